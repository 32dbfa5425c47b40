"""Snapshots of the state: nothing is left out, and one that was changed is not used, and told."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.audit_outcome import AuditOutcome
from app.core.errors import LedgerError
from app.ledger.journal import snapshot_writer
from app.ledger.journal.keys import public_bytes, read_key, read_public_key
from app.ledger.journal.opening import position_of
from app.ledger.journal.replay import ReplayedLedger, replay
from app.ledger.journal.snapshots import SNAPSHOT_TAG, StateSnapshot, resumed
from app.ledger.rules.audits.breakers import ClassRecord
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.governance.public_economy import PublicEconomy
from app.ledger.rules.kept.evidence_rule import EvidenceRule
from app.ledger.rules.kept.names import UsedNames
from app.ledger.rules.kept.packing import Packing
from app.ledger.rules.kept.records import KeptRecords
from app.ledger.rules.phones.distrust import DistrustReason
from app.ledger.rules.state import Epoch, PhoneAccount, State, TransactionRecord
from app.ledger.storage.places import open_storage_read_only
from app.ledger.storage.sqlite import SqliteStorage
from tests.unit.ledger.economy.test_money_machine import Money
from tests.unit.ledger.support import Bench, Verdict

STEPS = 90


class Course(Money):
    """Random money, and beside it votes, quotes, audits, convictions, writers and a stop."""

    def step(self) -> None:
        more = [self.propose, self.quote, self.audit, self.convict, self.jail, self.stop]
        if self.random.random() < 0.4:
            self.random.choice(more)()
        else:
            super().step()

    def propose(self) -> None:
        keeper, value = self.random.choice(self.bench.keepers), self.random.randrange(60)
        try:
            name = keeper.proposes(Parameter.TREASURY_FEE_PER_MILLE, value, f"p{self.count}")
            for each in self.bench.keepers:
                each.votes(name, self.random.choice(("yes", "no", "abstain")))
        except LedgerError:
            self.refused += 1

    def quote(self) -> None:
        price = str(self.random.randrange(1, 90))
        self.bench.keepers[0].orders("quote", 0, rule="load", price=price, rise_per_mille=9)

    def audit(self) -> None:
        for name in list(self.open)[-1:]:
            for stage in self.open[name]:
                outcome = self.random.choice((AuditOutcome.PASSED, AuditOutcome.DEVIATES))
                serial = self.bench.phones[stage].serial
                self.bench.ledger.record_audit(Verdict(name, stage, serial, outcome, deviation=9.5))

    def convict(self) -> None:
        for name in list(self.open)[-1:]:
            if 2 in self.open[name] and self.random.random() < 0.2:
                self.bench.convict(name, 2)
                self.offenders[name].add(2)

    def distrust(self) -> None:
        first, second, _third = (phone.serial for phone in self.bench.phones)
        work, reason = self.bench.begin("doubted"), DistrustReason.ROWS_UNUSABLE
        self.bench.ledger.trust.distrust(first, second, work, reason)

    def jail(self) -> None:
        self.bench.ledger.jail(self.bench.phones[0].serial, "hot", self.random.randrange(1, 99))
        self.bench.ledger.release(self.bench.phones[0].serial)

    def stop(self) -> None:
        until_ms = self.bench.manual.wall_ms() + 1000
        try:
            self.bench.ledger.governance.stop(until_ms, "a test")
            self.bench.ledger.governance.resume()
        except LedgerError:
            self.refused += 1


def contents(value: object) -> object:
    """Return what one of the state's attributes holds, comparable."""
    if isinstance(value, UsedNames):
        return value._digests
    return dict(value) if isinstance(value, KeptRecords) else value


def assert_same(state: State, other: State) -> None:
    assert vars(state).keys() == vars(other).keys() == vars(State()).keys()
    for name in vars(State()):
        assert contents(getattr(state, name)) == contents(getattr(other, name)), name


def from_snapshot(bench: Bench) -> ReplayedLedger:
    """Return where opening finds a ledger; a snapshot has to have been used."""
    storage = open_storage_read_only(bench.place)
    try:
        position = position_of(storage, read_public_key(bench.key_path), lambda _: None)
    finally:
        storage.close()
    assert position.parts_digest
    return position


def from_the_first_entry(bench: Bench) -> ReplayedLedger:
    storage = open_storage_read_only(bench.place)
    try:
        return replay(storage, None, ())
    finally:
        storage.close()


@pytest.fixture(scope="module")
def course() -> Iterator[Course]:
    """A long random course, of which a snapshot was made every 16 entries."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_writer, "EVERY_ENTRIES", 16)
        patch.setattr(snapshot_writer, "RECORDS_A_COMMIT", 2)  # each takes several commits
        course = Course(Path(folder), seed=3)
        course.bench.ledger.writers.admit(public_bytes(Ed25519PrivateKey.generate()))
        course.bench.ledger.kept_evidence.keep_by(EvidenceRule(most_days=9))
        for turn in range(STEPS):
            with course.bench.ledger.atomic():
                course.step()
            if turn in (STEPS // 3, 2 * STEPS // 3):
                course.bench.ledger.close()  # goes on from its own snapshot
                course.bench.open()
        course.distrust()
        course.bench.ledger.close()
        yield course


def test_no_attribute_of_the_state_is_left_out_of_a_snapshot(course: Course) -> None:
    whole = from_the_first_entry(course.bench).state
    for name, default in vars(State()).items():
        assert contents(getattr(whole, name)) != contents(default), f"{name}: the course lacks it"
    assert_same(from_snapshot(course.bench).state, whole)


def test_a_ledger_goes_on_from_a_snapshot_as_from_its_first_entry(course: Course) -> None:
    resumed_at, whole = from_snapshot(course.bench), from_the_first_entry(course.bench)
    assert 16 <= resumed_at.snapshot_entries <= whole.state.entries
    assert len(list(whole.state.transactions)) > len(list(whole.state.transactions.at_work()))
    assert (resumed_at.last, resumed_at.head) == (whole.last, whole.head)
    assert resumed_at.frontier.root() == whole.frontier.root()
    assert resumed_at.frontier.peaks == whole.frontier.peaks


FILLED = [PhoneAccount, TransactionRecord, ClassRecord, Epoch, PublicEconomy, EvidenceRule]
FILLED += [StateSnapshot]


@pytest.mark.parametrize("kind", FILLED)
def test_every_field_of_a_record_comes_back_as_it_was(kind: type[Any]) -> None:
    value = filled(kind)
    assert Packing(kind).unpacked(Packing(kind).packed(value)) == value


def filled(kind: Any, salt: int = 1) -> Any:  # noqa: ANN401 - of any type
    """Return a value of a type, nothing in it empty or at its default."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        value = kind(**{each.name: filled(hints[each.name], salt) for each in fields(kind)})
        assert all(getattr(value, each.name) != each.default for each in fields(kind))
        return value
    if origin in (tuple, frozenset):
        parts = inner if origin is tuple and ... not in inner else (inner[0], inner[0])
        return origin(filled(each, at) for at, each in enumerate(parts, salt))
    if origin is not None and issubclass(origin, Mapping):
        return {filled(inner[0], at): filled(inner[1], at) for at in (1, 2)}
    if inner:
        return filled(next(each for each in inner if each is not type(None)), salt)
    if issubclass(kind, Enum):
        return list(kind)[-1 if salt == 1 else salt % len(kind)]
    plain = {int: 2**60 + salt, str: f"é{salt}\u2028", bytes: bytes([0, 255, salt])}
    return {**plain, bool: True, float: 0.1 + 1e17 * salt}[kind]


CHANGES = {
    "an amount": "UPDATE snapshot SET content ="
    " CAST(replace(content, '\"staked\":', '\"staked\":1') AS BLOB)",
    "signature": "UPDATE snapshot SET signature = zeroblob(64)",
    "a part": "UPDATE snapshot_parts SET content = zeroblob(9) WHERE number = 1",
    "a part gone": "DELETE FROM snapshot_parts WHERE number = 1",
    "the last part gone": "DELETE FROM snapshot_parts WHERE number ="
    " (SELECT max(number) FROM snapshot_parts)",
    "parts in another order": "UPDATE snapshot_parts SET content ="
    " (SELECT other.content FROM snapshot_parts other WHERE other.number = 2) WHERE number = 1",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_snapshot_that_was_changed_is_not_used_and_told(
    course: Course, tmp_path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "ledger.db"
    shutil.copy(course.bench.path, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        assert connection.execute(change).rowcount == 1
    storage = SqliteStorage.open(copy)
    try:
        position = position_of(storage, read_public_key(course.bench.key_path), lambda _: None)
    finally:
        storage.close()
    assert not position.parts_digest
    assert_same(position.state, from_the_first_entry(course.bench).state)
    assert "a snapshot of the ledger is not used" in caplog.text


def test_a_signed_snapshot_of_another_journal_is_not_used(
    course: Course, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "ledger.db"
    shutil.copy(course.bench.path, copy)
    key = read_key(course.bench.key_path)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        content = connection.execute("SELECT content FROM snapshot").fetchone()[0]
        packing, (head, _, records) = Packing(StateSnapshot), content.partition(b"\n")
        changed = replace(packing.unpacked(head), last_hash=bytes(32))
        other = packing.packed(changed) + b"\n" + records
        signed = (other, key.sign(SNAPSHOT_TAG + other))
        connection.execute("UPDATE snapshot SET content = ?, signature = ?", signed)
    storage = SqliteStorage.open(copy)
    try:
        assert resumed(storage, public_bytes(key)) is None
    finally:
        storage.close()
    assert "of another journal" in caplog.text or "other_journal" in caplog.text
