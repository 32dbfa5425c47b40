"""Operations committed together: each counts alone, all are written at once or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from app.core.audit_outcome import AuditOutcome
from app.core.errors import LedgerError
from app.core.identifiers import Serial, TransactionId
from app.ledger.group_commit import Operation, commit_together
from app.ledger.ledger import Ledger
from app.ledger.rules.verdict import ReceiptStatus
from app.ledger.storage.sqlite import SqliteStorage
from app.ledger.views.export import export_ledger, read_snapshot
from tests.saying import raises_saying
from tests.unit.ledger.support import Bench, Verdict


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.register()
    bench.begin("t")
    return bench


def connection_of(bench: Bench) -> sqlite3.Connection:
    store = bench.ledger._store
    assert isinstance(store, SqliteStorage)
    return store._connection


def statements_of(bench: Bench, action: Callable[[], object]) -> list[str]:
    """Return what was said to SQLite while something was done."""
    said: list[str] = []
    connection_of(bench).set_trace_callback(said.append)
    action()
    connection_of(bench).set_trace_callback(None)
    return said


def _record(signed: tuple[bytes, bytes, bytes], ledger: Ledger) -> ReceiptStatus:
    return ledger.record_receipt(*signed)


def _stake(serial: Serial, ledger: Ledger) -> None:
    ledger.add_stake(serial, 5)


def receipts(bench: Bench) -> list[Operation]:
    signed = [phone.receipt("t", stage) for stage, phone in enumerate(bench.phones)]
    return [partial(_record, each) for each in signed]


def refused(ledger: Ledger) -> None:
    ledger.settle(TransactionId("never opened"), 1)


def staked_then_refused(ledger: Ledger) -> None:
    ledger.add_stake(Serial("phone-0"), 7)
    refused(ledger)


def fails_by_a_bug(ledger: Ledger) -> None:
    ledger.add_stake(Serial("phone-0"), 7)
    raise KeyError("bug")


def test_operations_together_are_one_commit_under_one_head(bench: Bench) -> None:
    operations = receipts(bench)
    said = statements_of(bench, lambda: commit_together(bench.ledger, operations))
    assert sum(statement.startswith("INSERT INTO journal") for statement in said) == len(operations)
    assert sum(statement == "COMMIT" for statement in said) == 1
    assert sum("INTO head" in statement for statement in said) == 1
    assert bench.verify().valid
    assert bench.verify().entries == bench.ledger.snapshot().entries


def test_only_reading_writes_nothing(bench: Bench) -> None:
    serial = bench.phones[0].serial
    said = statements_of(
        bench, lambda: commit_together(bench.ledger, [lambda ledger: ledger.standing(serial)] * 3)
    )
    assert said == []


def test_each_operation_sees_those_before_it_in_its_group(bench: Bench) -> None:
    phone = bench.phones[0]
    verdict = Verdict("t", 0, phone.serial, AuditOutcome.FAILED, reason="wrong output")
    outcomes = commit_together(
        bench.ledger,
        [
            *receipts(bench),
            lambda ledger: ledger.record_receipt(*phone.receipt("t", 0)),
            lambda ledger: ledger.record_audit(verdict),
            lambda ledger: ledger.record_sharp_test(bench.sharp("t", 0)),
            lambda ledger: ledger.slash(phone.serial, TransactionId("t"), "wrong-output", {}),
            lambda ledger: ledger.slash(phone.serial, TransactionId("t"), "wrong-output", {}),
            lambda ledger: ledger.standing(phone.serial).slashed,
        ],
    )
    recorded, repeated = ReceiptStatus.RECORDED, ReceiptStatus.REPEATED
    taken = bench.ledger.standing(phone.serial).slashed
    results = [outcome.result() for outcome in outcomes]
    assert taken > 0
    assert results == [recorded, recorded, recorded, repeated, None, None, taken, 0, taken]
    assert bench.verify().valid


@pytest.mark.parametrize("bad", [refused, staked_then_refused, fails_by_a_bug])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_refused_operation_leaves_no_trace_and_its_neighbours_stand(
    bench: Bench, bad: Operation, place: int
) -> None:
    before, stake = bench.ledger.snapshot().entries, bench.ledger.standing(Serial("phone-0")).stake
    operations = receipts(bench)
    operations.insert(place, bad)
    outcomes = commit_together(bench.ledger, operations)
    with pytest.raises((LedgerError, KeyError), match=r"never opened|bug"):
        outcomes.pop(place).result()
    assert [outcome.result() for outcome in outcomes] == [ReceiptStatus.RECORDED] * 3
    assert bench.ledger.standing(Serial("phone-0")).stake == stake
    assert bench.ledger.snapshot().entries == before + 3
    assert bench.verify().valid


def test_a_refusal_that_an_operation_handles_does_not_undo_it(bench: Bench) -> None:
    good, forged = bench.phones[0].receipt("t", 0), bench.phones[0].receipt("t", 1)

    def record(ledger: Ledger) -> list[str]:
        told = []
        for receipt in (forged, good, forged):
            try:
                told.append(str(ledger.record_receipt(*receipt)))
            except LedgerError:
                told.append("void")
        return told

    (outcome,) = commit_together(bench.ledger, [record])
    assert outcome.result() == ["void", "recorded", "void"]
    assert bench.verify().valid


def fill_the_disk(bench: Bench) -> Callable[[], object]:
    """Let the file have no page more than it has."""
    connection = connection_of(bench)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    return lambda: connection.execute("PRAGMA max_page_count = 1000000")


def lock_the_file(bench: Bench) -> Callable[[], object]:
    connection_of(bench).execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(bench.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def refuse_the_commit(bench: Bench) -> Callable[[], object]:
    """Insert a row whose parent is missed at the end only: COMMIT fails, nothing before it."""
    connection = connection_of(bench)
    connection.executescript(
        """CREATE TABLE parent (id INTEGER PRIMARY KEY);
        CREATE TABLE child (id REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER spoil AFTER INSERT ON journal BEGIN INSERT INTO child VALUES (1); END;"""
    )
    return lambda: connection.execute("DROP TRIGGER spoil")


@pytest.mark.parametrize("hinder", [fill_the_disk, lock_the_file, refuse_the_commit])
def test_a_commit_that_fails_is_told_to_all_of_its_group_and_leaves_the_last_head(
    bench: Bench, hinder: Callable[[Bench], Callable[[], object]]
) -> None:
    wide = {"padding": "x" * 100_000}
    verdict = Verdict("t", 1, "phone-1", AuditOutcome.PASSED, evidence=wide)
    operations: list[Operation] = [
        *receipts(bench),
        refused,
        lambda ledger: ledger.add_stake(Serial("phone-1"), 7),
        lambda ledger: ledger.record_audit(verdict),
    ]
    before = bench.ledger.snapshot()
    standings = [bench.ledger.standing(phone.serial) for phone in bench.phones]
    relieve = hinder(bench)
    outcomes = commit_together(bench.ledger, operations)
    for outcome in outcomes:
        with raises_saying(LedgerError, match="could not be written"):
            outcome.result()
    assert len({id(outcome.error) for outcome in outcomes}) == len(operations)
    assert bench.ledger.snapshot() == before
    assert [bench.ledger.standing(phone.serial) for phone in bench.phones] == standings
    relieve()
    assert read_snapshot(bench.path) == before
    assert bench.verify().valid
    again = commit_together(bench.ledger, operations)
    assert [outcome.error is None for outcome in again] == [True, True, True, False, True, True]
    assert bench.verify().valid
    assert read_snapshot(bench.path) == bench.ledger.snapshot()
    assert bench.ledger.snapshot().entries == before.entries + 5


def test_a_transaction_that_cannot_be_committed_is_over(bench: Bench) -> None:
    refuse_the_commit(bench)
    connection = connection_of(bench)
    with pytest.raises(sqlite3.IntegrityError), bench.ledger._store.transaction():
        connection.execute("INSERT INTO child VALUES (1)")
    assert not connection.in_transaction
    assert connection.execute("SELECT count(*) FROM child").fetchone() == (0,)


@pytest.mark.parametrize("for_good", [False, True])
def test_a_commit_interrupted_at_any_step_counts_whole_or_not_at_all(
    bench: Bench, *, for_good: bool
) -> None:
    """`for_good`: what follows fails as well, be it undoing the commit or asking how it ended."""
    entries, tried = bench.ledger.snapshot().entries, 0
    while True:
        before = bench.ledger.snapshot()
        left = iter([0] * tried + [1])
        connection_of(bench).set_progress_handler(partial(next, left, int(for_good)), 1)
        outcomes = commit_together(bench.ledger, receipts(bench))
        connection_of(bench).set_progress_handler(None, 0)
        told = {outcome.error is None for outcome in outcomes}
        with bench.ledger.atomic():
            now = bench.ledger.snapshot()
        assert now == read_snapshot(bench.path)
        assert len(told) == 1
        if now != before:
            break
        assert told == {False}
        tried += 1
    assert tried > 100
    assert now.entries == entries + 3
    assert told == {not for_good}
    assert bench.verify().valid


def test_an_equivocation_and_its_penalty_are_one_commit(bench: Bench) -> None:
    bench.sign_all("t")
    other = bench.phones[1].receipt("t", 1, output_root="f" * 64)
    said = statements_of(bench, lambda: bench.ledger.record_receipt(*other))
    assert sum(statement == "COMMIT" for statement in said) == 1
    kinds = [entry["kind"] for entry in export_ledger(bench.path)["entries"][-2:]]
    assert kinds == ["equivocation", "slashed"]


def test_the_tables_of_a_grown_ledger_say_what_its_journal_says(bench: Bench) -> None:
    serials = [phone.serial for phone in bench.phones]
    for _ in range(3):
        commit_together(bench.ledger, [partial(_stake, serial) for serial in serials * 3])
    with closing(sqlite3.connect(bench.path)) as connection:
        found = connection.execute("SELECT amount FROM balances WHERE account LIKE 'stake:%'")
        assert [amount for (amount,) in found] == [
            bench.ledger.standing(serial).stake for serial in serials
        ]
    assert bench.verify().valid
