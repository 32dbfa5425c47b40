"""Keepers, probation, stake that comes and goes, and who gets what is slashed."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import Serial
from app.ledger.entry import EntryKind
from app.ledger.rules.accounts import TREASURY
from app.ledger.rules.economy import CREDIT, STARTING_STAKE
from app.ledger.rules.governance.parameters import Parameter
from tests.saying import raises_saying
from tests.unit.ledger.economy.support import EconomyBench
from tests.unit.ledger.support import SigningPhone


@pytest.fixture
def bench(tmp_path: Path) -> EconomyBench:
    return EconomyBench(tmp_path)


def test_what_the_operator_granted_has_no_vote_and_what_was_earned_has(bench: EconomyBench) -> None:
    ann, phone = bench.keepers[0], bench.phones[0].serial
    assert bench.ledger.standing(phone).votes == 0
    bench.work("t")
    ann.orders("stake-earnings", 0, amount=str(50 * CREDIT))
    standing = bench.ledger.standing(phone)
    assert (standing.votes, standing.own_stake) == (50 * CREDIT, 50 * CREDIT)
    assert standing.stake == STARTING_STAKE + 50 * CREDIT
    bench.ledger.add_stake(phone, 7 * CREDIT)
    assert bench.ledger.standing(phone).votes == 50 * CREDIT
    bench.check()


def test_a_phone_below_the_minimum_is_audited_always_and_its_pay_becomes_stake(
    tmp_path: Path,
) -> None:
    bench = EconomyBench(tmp_path)
    bench.phones[2] = newcomer = SigningPhone("newcomer")
    bench.ledger.register_phone(newcomer.serial, bench.proven(newcomer), "class")
    assert bench.ledger.standing(newcomer.serial).probation
    name = bench.begin("t", 1_000_000, audit_rate=0.01)
    bench.sign_all(name)
    assert [bench.audit_rate(name, stage) for stage in range(3)] == [0.01, 0.01, 1.0]
    bench.ledger.settle(name, 500)
    bench.wait(Parameter.EVIDENCE_WINDOW_S)
    standing, minimum = bench.ledger.standing(newcomer.serial), 100 * CREDIT
    assert (standing.stake, standing.own_stake, standing.probation) == (minimum, minimum, False)
    assert standing.balance == 500_000_000 * 3 // 8 * 98 // 100 - minimum
    bench.check()


def test_stake_comes_out_after_the_delay_and_can_be_slashed_until_then(bench: EconomyBench) -> None:
    ann, phone = bench.keepers[0], bench.phones[0].serial
    bench.work("t")
    earned = bench.ledger.standing(phone).balance
    ann.orders("stake-earnings", 0, amount=str(100 * CREDIT))
    with raises_saying(LedgerError, match="100 credits are its own"):
        ann.orders("unbond", 0, amount=str(101 * CREDIT))
    ann.orders("unbond", 0, amount=str(100 * CREDIT))
    assert bench.ledger.standing(phone).unbonding == 100 * CREDIT
    assert bench.ledger.stakes.end_unbonding() == 0
    with raises_saying(LedgerError, match="Nothing of the stake"):
        bench.ledger._record(EntryKind.UNBONDING_ENDED, {"serial": phone})
    name = bench.begin("u")
    bench.sign_all(name)
    data, signature, key = bench.phones[0].receipt(name, 0, output_root="f" * 64)
    bench.ledger.record_receipt(data, signature, key)
    standing = bench.ledger.standing(phone)
    assert (standing.stake, standing.unbonding, standing.votes) == (0, 0, 0)
    bench.wait(Parameter.UNBONDING_DELAY_S)
    assert bench.ledger.standing(phone).balance == earned - 100 * CREDIT
    bench.check()


def test_stake_that_nobody_slashed_is_paid_out_in_full(bench: EconomyBench) -> None:
    ann, phone = bench.keepers[0], bench.phones[0].serial
    bench.work("t")
    earned = bench.ledger.standing(phone).balance
    ann.orders("stake-earnings", 0, amount=str(10 * CREDIT))
    for _ in range(2):
        ann.orders("unbond", 0, amount=str(5 * CREDIT))
    bench.wait(Parameter.UNBONDING_DELAY_S)
    assert bench.ledger.standing(phone).balance == earned
    assert bench.state.phone(phone).staked == STARTING_STAKE
    bench.check()


def test_a_reporter_gets_a_share_and_never_as_much_as_it_would_lose_by_reporting_itself(
    bench: EconomyBench,
) -> None:
    cheat, reporter = bench.phones[1].serial, bench.phones[0].serial
    name, treasury = bench.begin("t"), bench.state.balance(TREASURY)
    bench.sign_all(name)
    bench.convict(name, 1)
    for wrong, words in ((cheat, "gets no share"), (Serial("nobody"), "not registered")):
        with raises_saying(LedgerError, match=words):
            bench.ledger.slash(cheat, name, "wrong-output", {}, reporter=wrong)
    taken = bench.ledger.slash(cheat, name, "wrong-output", {}, reporter=reporter)
    assert bench.ledger.standing(reporter).balance == taken // 5
    assert bench.state.balance(TREASURY) == treasury + taken - taken // 5
    bench.check()


def test_an_order_counts_once_and_only_by_the_phones_own_keeper(bench: EconomyBench) -> None:
    ann, bob = bench.keepers
    serial = bench.phones[0].serial
    bench.work("t")
    order = ann.signs("stake-earnings", serial=serial, number=1, amount="5")
    bench.ledger.stakes.order("stake-earnings", order)
    with raises_saying(LedgerError, match="number 1 was used"):
        bench.ledger.stakes.order("stake-earnings", order)
    with raises_saying(LedgerError, match="does not speak for"):
        bob.orders("stake-earnings", 0, amount="5")
    with raises_saying(LedgerError, match="does not fit|not signed"):
        bench.ledger.stakes.order(
            "stake-earnings",
            type(order)(order.data.replace('"1"', '"1"'), bytes(64), ann.public_key),
        )
    with raises_saying(LedgerError, match="is no order"):
        bench.ledger.stakes.order("give", order)
    with raises_saying(LedgerError, match="another ledger"):
        other = type(order)(
            order.data.replace(bench.ledger.host_key.hex(), "0" * 64), order.signature, order.keeper
        )
        bench.ledger.stakes.order("stake-earnings", other)
    bench.check()


def test_a_keeper_is_followed_by_another_only_with_its_signature(bench: EconomyBench) -> None:
    ann, bob = bench.keepers
    phone = bench.phones[0].serial
    with raises_saying(LedgerError, match="does not speak"):
        bench.ledger.stakes.name_keeper(phone, bob.public_key)
    with raises_saying(LedgerError, match="is not text"):
        bench.ledger._record(EntryKind.KEEPER_NAMED, {"serial": phone, "key": bob.public_key.hex()})
    ann.orders("keeper-succession", 0, key=bob.public_key.hex())
    assert bench.ledger.standing(phone).keeper == bob.public_key.hex()
    with raises_saying(LedgerError, match="no keeper's"):
        bench.ledger.stakes.name_keeper(bench.phones[2].serial, bench.ledger.host_key)
    bench.check()


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"rule": "fixed", "price": "0", "rise_per_mille": 0}, "more than 0"),
        ({"rule": "fixed", "price": "-1", "rise_per_mille": 0}, "price"),
        ({"rule": "fixed", "price": "10001", "rise_per_mille": 0}, "at most 10000"),
        ({"rule": "fixed", "price": "5", "rise_per_mille": 1}, "a fixed one not at all"),
        ({"rule": "load", "price": "5", "rise_per_mille": 4001}, "0 to 4000"),
        ({"rule": "moon", "price": "5", "rise_per_mille": 0}, "moves no price"),
        ({"rule": "load", "price": "5"}, "other fields"),
        ({"rule": "load", "price": "5", "rise_per_mille": 0, "more": 1}, "other fields"),
    ],
)
def test_a_quote_out_of_bounds_is_one_line_and_changes_nothing(
    bench: EconomyBench, order: dict[str, object], words: str
) -> None:
    before = bench.state.entries
    with raises_saying(LedgerError, match=words):
        bench.keepers[0].orders("quote", 0, **order)
    assert bench.state.entries == before
    assert not bench.state.economy.quotes
