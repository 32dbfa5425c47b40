"""The moves of a transaction, its escrow, and what a crash between any two of them leaves."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import TransactionId
from app.ledger.entry import EntryKind
from app.ledger.rules.accounts import ESCROW, OPERATOR
from app.ledger.rules.deals.closing import VoidReason
from app.ledger.rules.deals.moves import MOVES
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.state import TransactionStatus
from tests.saying import raises_saying
from tests.unit.ledger.economy.support import EconomyBench
from tests.unit.ledger.support import MOST_TOKENS, PRICE

S = TransactionStatus


@pytest.fixture
def bench(tmp_path: Path) -> EconomyBench:
    return EconomyBench(tmp_path)


def test_what_it_may_cost_is_in_escrow_from_its_opening_and_comes_back_where_it_is_void(
    bench: EconomyBench,
) -> None:
    before = bench.balances()
    transaction = bench.begin("t")
    assert bench.state.balance(ESCROW) == PRICE * MOST_TOKENS
    bench.ledger.deals.void(transaction, VoidReason.BROKEN_OFF)
    assert bench.balances() == before
    assert bench.status("t") is S.VOID
    bench.check()


def test_settled_work_is_paid_only_once_the_time_for_evidence_is_over(bench: EconomyBench) -> None:
    transaction, phone = bench.begin("t"), bench.phones[0].serial
    bench.sign_all(transaction)
    bench.ledger.settle(transaction, 100)
    standing = bench.ledger.standing(phone)
    assert standing.balance == standing.pending > 0
    assert bench.ledger.deals.release_due() == 0
    with raises_saying(LedgerError, match="still time for evidence"):
        bench.ledger._record(EntryKind.PAYMENTS_RELEASED, {"transactions": [transaction]})
    bench.wait(Parameter.EVIDENCE_WINDOW_S)
    paid = bench.ledger.standing(phone)
    assert (paid.balance, paid.pending) == (standing.balance, 0)
    assert (bench.status("t"), bench.state.balance(ESCROW)) == (S.RELEASED, 0)
    bench.check()


def test_who_is_convicted_within_the_window_loses_the_pay_that_waits(bench: EconomyBench) -> None:
    transaction, phone = bench.begin("t"), bench.phones[1].serial
    bench.sign_all(transaction)
    bench.ledger.settle(transaction, 100)
    assert bench.ledger.standing(phone).pending > 0
    bench.convict(transaction, 1)
    bench.ledger.slash(phone, transaction, "wrong-output", {})
    operator = bench.state.balance(OPERATOR)
    bench.wait(Parameter.EVIDENCE_WINDOW_S)
    standing = bench.ledger.standing(phone)
    assert (standing.balance, standing.pending) == (0, 0)
    assert bench.state.balance(OPERATOR) > operator
    bench.check()


def test_no_move_is_made_that_the_table_does_not_have(bench: EconomyBench) -> None:
    moves: dict[TransactionStatus, Callable[[str], None]] = {
        S.COMMITTED: lambda name: bench.ledger._record(
            EntryKind.COMMITTED, {"transaction": name, "tokens": 3}
        ),
        S.VOID: lambda name: bench.ledger._record(
            EntryKind.VOIDED, {"transaction": name, "reason": "broken-off"}
        ),
        S.SETTLED: lambda name: bench.ledger._record(
            EntryKind.SETTLED, {"transaction": name, "tokens": 0, "payments": []}
        ),
        S.RELEASED: lambda name: bench.ledger._record(
            EntryKind.PAYMENTS_RELEASED, {"transactions": [name]}
        ),
        S.ROLLED_BACK: lambda name: bench.ledger._record(
            EntryKind.ROLLED_BACK, {"transaction": name, "good_tokens": 1, "reason": "x"}
        ),
    }
    reached = {
        S.OPEN: [],
        S.COMMITTED: [S.COMMITTED],
        S.ROLLED_BACK: [S.ROLLED_BACK],
        S.SETTLED: [S.COMMITTED, S.SETTLED],
        S.RELEASED: [S.COMMITTED, S.SETTLED, S.RELEASED],
        S.VOID: [S.VOID],
    }
    signed_for = {(S.COMMITTED, S.VOID)}  # only a roll-back to nothing makes that void
    for number, (state, to) in enumerate(itertools.product(reached, moves)):
        name = bench.begin(f"t{number}")
        for step in reached[state]:
            if step is S.RELEASED:
                bench.manual.advance(3600)
            moves[step](name)
        if state is S.SETTLED and to is S.RELEASED:
            bench.manual.advance(3600)
        if to in MOVES[state] and (state, to) not in signed_for:
            moves[to](name)
            assert bench.status(name) is to
        else:
            with pytest.raises(LedgerError):
                moves[to](name)
            assert bench.status(name) is state
    bench.check()


def test_an_audit_that_does_not_pass_makes_it_disputed_until_it_is_settled(
    bench: EconomyBench,
) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    bench.ledger.deals.commit(transaction, 9)
    bench.deviate(transaction, 0)
    assert bench.status("t") is S.DISPUTED
    bench.ledger.settle(transaction, 9)
    assert bench.status("t") is S.SETTLED


def test_after_its_deadline_it_cannot_be_committed_and_is_void(bench: EconomyBench) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    with raises_saying(LedgerError, match="cannot just be broken off"):
        bench.ledger.deals.void(transaction, VoidReason.BROKEN_OFF)
    with raises_saying(LedgerError, match="is not over yet"):
        bench.ledger.deals.void(transaction, VoidReason.EXPIRED)
    bench.manual.advance(86_401)
    with raises_saying(LedgerError, match="time to commit t is over"):
        bench.ledger.settle(transaction, 3)
    bench.ledger.recover()
    bench.ledger._running.clear()
    bench.ledger.recover()
    assert bench.status("t") is S.VOID
    bench.check()


def test_nothing_is_paid_beyond_the_escrow_nor_beyond_what_was_committed(
    bench: EconomyBench,
) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    fields = {"transaction": transaction, "tokens": MOST_TOKENS + 1}
    with raises_saying(LedgerError, match="less than that in escrow"):
        bench.ledger._record(EntryKind.COMMITTED, fields)
    bench.ledger.deals.commit(transaction, 5)
    with raises_saying(LedgerError, match="Only 5 tokens"):
        bench.ledger.settle(transaction, 6)
    with raises_saying(LedgerError, match="Only 5 tokens"):
        bench.ledger.roll_back(transaction, 6, "x")
    late = bench.begin("u")
    bench.ledger.deals.commit(late, 5)
    with raises_saying(LedgerError, match="is committed"):
        bench.ledger.record_receipt(*bench.phones[0].receipt(late, 0))


def test_an_operator_without_money_opens_nothing(bench: EconomyBench) -> None:
    bench.begin("good")
    entries = bench.state.entries
    with raises_saying(LedgerError, match="operator is .* short"):
        bench.begin("t", price=10**12)
    assert bench.state.entries == entries
    with raises_saying(LedgerError, match="bonds are not"):
        bench.ledger._record(
            EntryKind.TRANSACTION_OPENED, {**_opening(bench), "transaction": "u", "bonds": []}
        )


def _opening(bench: EconomyBench) -> dict[str, object]:
    entry = bench.ledger._journal._position.last
    assert entry is not None
    return dict(entry.fields())


def dies_within(bench: EconomyBench) -> None:
    with bench.ledger.atomic():
        bench.ledger.recover()
        raise ZeroDivisionError


STEPS: list[Callable[[EconomyBench], object]] = [
    lambda b: b.begin("t"),
    lambda b: b.ledger.record_receipt(*b.phones[0].receipt("t", 0)),
    lambda b: b.ledger.record_receipt(*b.phones[1].receipt("t", 1)),
    lambda b: b.ledger.record_receipt(*b.phones[2].receipt("t", 2)),
    lambda b: b.ledger.deals.commit(TransactionId("t"), 7),
    lambda b: b.deviate("t", 1),
    lambda b: b.ledger.settle(TransactionId("t"), 7),
]


@pytest.mark.parametrize("cut", range(1, len(STEPS) + 1))
def test_wherever_a_process_ends_recovery_comes_to_one_state_also_where_it_ends_too(
    tmp_path: Path, cut: int
) -> None:
    bench = EconomyBench(tmp_path / "first")
    for step in STEPS[:cut]:
        step(bench)
    bench.ledger._store.close()  # as a process that dies: no epoch is closed
    ends = []
    for again in range(2):
        shutil.copytree(tmp_path / "first", tmp_path / f"copy-{again}")
        other = object.__new__(EconomyBench)
        other.__dict__.update(bench.__dict__)
        other.path = tmp_path / f"copy-{again}" / bench.path.name
        other.open()
        if again:
            with pytest.raises(ZeroDivisionError):
                dies_within(other)
        other.ledger.recover()
        other.ledger.recover()
        bench.manual.advance(86_401)
        other.ledger.recover()
        bench.manual.advance(3_601)
        other.ledger.recover()
        ends.append((other.status("t"), other.balances()))
        bench.manual.advance(-90_002)
        other.check()
    assert ends[0] == ends[1]
    assert ends[0][0] is (S.RELEASED if cut >= 5 else S.VOID)
    assert not ends[0][1].get(ESCROW)
