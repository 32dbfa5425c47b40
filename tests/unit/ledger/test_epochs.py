"""The host is bound to its draws: committed beforehand, recomputed by everybody afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import app.ledger.ledger
import app.ledger.rules.transitions
from app.core.audit_outcome import AuditOutcome, DutyOutcome
from app.core.errors import LedgerError
from app.ledger.entry import EntryKind
from app.ledger.journal.verification import verify_ledger
from app.ledger.rules.epochs import audit_is_due
from app.ledger.rules.state import State
from app.ledger.views.export import export_ledger
from app.words.sentences import fact_text
from tests.saying import raises_saying
from tests.unit.ledger.support import Bench, Verdict

JOURNALS = Path(__file__).parent / "journals"
ROOT = "ab" * 32


def test_the_rate_is_the_share_of_receipts_audited() -> None:
    due = sum(audit_is_due(b"s" * 32, f"t{n}", 0, ROOT, 0.25) for n in range(4000))
    assert 900 < due < 1100


@given(st.binary(min_size=32, max_size=32), st.text(max_size=20), st.integers(0, 9))
def test_rate_one_audits_all_and_rate_zero_none(secret: bytes, name: str, stage: int) -> None:
    assert audit_is_due(secret, name, stage, ROOT, 1.0)
    assert not audit_is_due(secret, name, stage, ROOT, 0.0)


@given(st.floats(0, 1), st.floats(0, 1), st.text(max_size=9))
def test_what_is_due_at_a_rate_is_due_at_any_higher_one(
    one: float, other: float, name: str
) -> None:
    low, high = sorted((one, other))
    due = audit_is_due(b"s" * 32, name, 1, ROOT, low)
    assert not due or audit_is_due(b"s" * 32, name, 1, ROOT, high)


def test_the_draw_depends_on_every_part_of_the_receipt_and_on_the_secret() -> None:
    def draws(secret: bytes, prefix: str, stage: int, root: str) -> list[bool]:
        return [audit_is_due(secret, f"{prefix}{n}", stage, root, 0.5) for n in range(64)]

    base = draws(b"s" * 32, "t", 0, ROOT)
    assert base == draws(b"s" * 32, "t", 0, ROOT)
    assert base != draws(b"x" * 32, "t", 0, ROOT)
    assert base != draws(b"s" * 32, "u", 0, ROOT)
    assert base != draws(b"s" * 32, "t", 1, ROOT)
    assert base != draws(b"s" * 32, "t", 0, "cd" * 32)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.register()
    return made


def _kinds(bench: Bench) -> list[str]:
    return [entry["kind"] for entry in export_ledger(bench.path)["entries"]]


def _no_duties(_state: State, _secret: bytes) -> Iterator[None]:
    yield from ()


def test_commitment_and_rate_are_journalled_before_the_first_transaction(bench: Bench) -> None:
    bench.begin("t", audit_rate=0.25)
    entries = export_ledger(bench.path)["entries"]
    assert [entry["kind"] for entry in entries[-2:]] == ["epoch-opened", "transaction-opened"]
    assert entries[-2]["body"]["audit_rate"] == "0.25"
    assert len(bytes.fromhex(entries[-2]["body"]["commitment"])) == 32


def test_what_is_drawn_is_audited_or_accounted_for_and_the_journal_verifies(bench: Bench) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    assert bench.ledger.due_stages(transaction) == {0, 1, 2}
    serial = bench.phones[0].serial
    bench.ledger.record_audit(Verdict(transaction, 0, serial, AuditOutcome.PASSED))
    bench.ledger.record_not_audited(transaction, 1, DutyOutcome.REFUSED, "showed nothing")
    bench.ledger.record_not_audited(transaction, 1, DutyOutcome.UNAVAILABLE, "said twice")
    bench.ledger.settle(transaction, 3)
    bench.ledger.close()
    assert _kinds(bench)[-3:] == ["settled", "audit-not-done", "epoch-closed"]
    report = bench.verify()
    assert report.valid
    assert report.audits == {"passed": 1, "refused": 1, "unavailable": 1}


def test_a_host_that_skips_an_audit_cannot_close_its_epoch_and_fails_verification(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    with monkeypatch.context() as host:
        host.setattr(app.ledger.ledger, "duties_left", _no_duties)
        with raises_saying(LedgerError, match="Epoch 1 is void: stage 0 of t was to be audited"):
            bench.ledger.close()
        bench.open()
        host.setattr(app.ledger.rules.transitions, "duties_left", _no_duties)
        bench.ledger.close()
    report = bench.verify()
    assert not report.valid
    assert report.problem
    assert "Epoch 1 is void" in fact_text(report.problem)


def test_what_was_left_by_a_crash_is_accounted_for_when_the_epoch_closes(bench: Bench) -> None:
    bench.begin("t")
    bench.sign_all("t")
    bench.ledger._store.close()  # as after a crash: nothing was concluded
    bench.open()
    bench.begin("u")
    bench.ledger.close()
    assert bench.verify().audits == {"unavailable": 3}


def test_another_rate_begins_with_another_epoch_once_nothing_is_under_way(bench: Bench) -> None:
    first = bench.begin("t", audit_rate=0.1)
    second = bench.begin("u", audit_rate=0.7)
    bench.sign_all(second)
    assert bench.audit_rate(second, 0) == 0.1
    for each in (first, second):
        bench.ledger.roll_back(each, 0, "over")
    third = bench.begin("v", audit_rate=0.7)
    bench.sign_all(third)
    assert bench.audit_rate(third, 0) == 0.7
    with raises_saying(LedgerError, match="comes too late: the epoch of t is over"):
        bench.ledger._record(
            EntryKind.RECEIPT, {**_receipt_again(bench), "transaction": "t", "stage": 0}
        )


def _receipt_again(bench: Bench) -> dict[str, str]:
    data, signature, key = bench.phones[0].receipt("t", 0)
    return {"data": data.decode(), "signature": signature.hex(), "public_key": key.hex()}


def test_no_transaction_opens_outside_an_epoch_and_no_epoch_without_a_rate(bench: Bench) -> None:
    bench.begin("t")
    fields = export_ledger(bench.path)["entries"][-1]["body"]
    bench.ledger.close()
    bench.open()
    with raises_saying(LedgerError, match="no epoch is open"):
        bench.ledger._record(EntryKind.TRANSACTION_OPENED, {**fields, "transaction": "u"})
    with raises_saying(LedgerError, match="does not say how often"):
        bench.ledger._record(EntryKind.EPOCH_OPENED, {"epoch": 2, "commitment": "00" * 32})


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(bench: Bench, rate: float) -> None:
    with pytest.raises(LedgerError):
        bench.begin("t", audit_rate=rate)


def test_secrets_differ_and_stay_secret_until_the_end(bench: Bench) -> None:
    bench.begin("t")
    bench.ledger.close()
    first = export_ledger(bench.path)["entries"][-1]["body"]["secret"]
    bench.open()
    bench.begin("u")
    assert first in str(export_ledger(bench.path))
    bench.ledger.close()
    assert export_ledger(bench.path)["entries"][-1]["body"]["secret"] != first


def test_a_journal_of_before_draws_were_bound_still_verifies_and_goes_on(tmp_path: Path) -> None:
    text = (JOURNALS / "before_bound_epochs.sql").read_text()
    key = bytes.fromhex(text.splitlines()[0].rpartition(" ")[2])
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.executescript(text)
    connection.close()
    report = verify_ledger(path, key)
    assert report.valid
    assert report.entries == 27
