"""Phones sign the ledger's head, and tell of a ledger that was put back."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.device import DeviceState
from app.core.errors import LedgerError
from app.ledger.desks.stakes import StakeDesk
from app.rack.home import Home
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.phone import Phone
from app.rack.settlement.witnesses import Witnesses
from app.rack.snapshot import TimelineKind
from app.words.sentences import fact_text
from tests.unit.ledger.support import Bench, SigningPhone
from tests.unit.rack.support import OnThisThread, a_context
from workers.identity.checkpoint import LogCheckpoint
from workers.identity.witness import Witness
from workers.protocol.commands import Cosign, Cosigned, HeldHead, ShowHead


@dataclass
class WitnessClient:
    """A worker that answers for its witness, or with the line it is given."""

    witness: Witness
    line: str | None = None

    async def call(self, command: Any) -> HeldHead | Cosigned:  # noqa: ANN401 - either command
        match command:
            case ShowHead(log_key):
                return HeldHead(self.witness.held(log_key))
            case Cosign(note, proof):
                signed = self.witness.cosign(note, proof)
                return Cosigned(signed if self.line is None else self.line)
            case _:
                raise AssertionError(command)


class Subject:
    """A ledger whose phones remember it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bench = Bench(folder / "ledger")
        self.bench.register()
        self.clients = {phone.serial: self._client(phone) for phone in self.bench.phones}
        self.context = a_context()

    def _client(self, phone: SigningPhone) -> WitnessClient:
        return WitnessClient(Witness(self.folder / phone.serial, phone.key, lambda: 17.0))

    def witnesses(self) -> Witnesses:
        phones = [
            SimpleNamespace(
                serial=phone.serial,
                name=f"Pixel {phone.serial}",
                state=DeviceState.READY,
                usable=True,
                client=self.clients[phone.serial],
                worker=SimpleNamespace(public_key=phone.public_key),
            )
            for phone in self.bench.phones
        ]
        thread = cast(LedgerThread, OnThisThread(self.bench.ledger))
        return Witnesses(self.context, thread, self.bench.path, lambda: cast("list[Phone]", phones))

    def told(self) -> list[str]:
        events = self.context.timeline.events
        return [fact_text(each.fact) for each in events if each.kind is TimelineKind.ERROR]


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return Subject(tmp_path)


async def test_every_phone_signs_and_only_what_is_new(subject: Subject) -> None:
    witnesses = subject.witnesses()
    for _ in range(3):
        await witnesses.look()
        await witnesses.look()
        subject.bench.ledger.add_stake(subject.bench.phones[0].serial, 1)
    subject.bench.ledger.close()
    report = subject.bench.verify()
    assert report.valid
    assert (report.witnesses, report.cosigned_entries) == (3, report.entries - 2)
    assert subject.told() == []


async def test_what_the_ledger_cannot_do_in_time_is_told_once_and_phones_sign_all_the_same(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_desk: StakeDesk) -> None:
        raise LedgerError("ledger.phone_unknown", phone="phone-9")

    monkeypatch.setattr(StakeDesk, "end_unbonding", broken)
    subject.bench.ledger.close()
    subject.bench.open()
    witnesses = subject.witnesses()
    for _ in range(3):
        await witnesses.look()
    told = [each.partition(":")[0] for each in subject.told()]
    assert told == ["Withdrawals that are due are not paid"]
    subject.bench.ledger.close()
    assert subject.bench.verify().witnesses == 3


async def test_where_the_ledger_was_never_opened_nobody_is_asked_at_the_end(
    subject: Subject,
) -> None:
    thread = LedgerThread(Home(subject.folder), subject.context.clock, subject.context.nursery)
    await Witnesses(subject.context, thread, subject.bench.path, list).look_once_more()
    await thread.close()


async def test_a_ledger_that_was_put_back_is_told_at_the_next_opening(subject: Subject) -> None:
    bench = subject.bench
    bench.ledger.close()
    earlier = subject.folder / "earlier"
    shutil.copy(bench.path, earlier)
    bench.open()
    bench.ledger.add_stake(bench.phones[0].serial, 5)
    await subject.witnesses().look()
    bench.ledger.close()
    bench.path.unlink()
    for leftover in bench.path.parent.glob(f"{bench.path.name}-*"):
        leftover.unlink()
    shutil.copy(earlier, bench.path)
    bench.open()
    witnesses = subject.witnesses()
    await witnesses.look()
    bench.ledger.add_stake(bench.phones[0].serial, 7)
    bench.ledger.add_stake(bench.phones[0].serial, 8)
    await witnesses.look()
    told = subject.told()
    assert len(told) == 3
    assert all("another history of this ledger" in line for line in told)
    assert bench.verify().witnesses == 0


async def test_a_phone_that_answers_nonsense_signs_nothing_and_harms_nobody(
    subject: Subject,
) -> None:
    liar, *honest = subject.bench.phones
    for line in ("nonsense", "— shardloom.phone/00 AAAA"):
        subject.clients[liar.serial].line = line
        await subject.witnesses().look()
        subject.bench.ledger.add_stake(liar.serial, 1)
    subject.bench.ledger.close()
    report = subject.bench.verify()
    assert (report.valid, report.witnesses) == (True, len(honest))
    assert LogCheckpoint.read(subject.clients[honest[0].serial].witness.held(_host(subject)))


def _host(subject: Subject) -> bytes:
    return subject.bench.ledger._key.public_key().public_bytes_raw()
