"""What somebody with a key, a serial number of his choice or a vote might do to everybody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.ledger.rules.accounts import TREASURY
from app.ledger.rules.economy import CREDIT
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.governance.proposal import ProposalStatus
from app.ledger.rules.governance.public_economy import MOST_ORDERS_A_DAY
from app.ledger.rules.quotes.quote import price_of
from app.ledger.rules.state import TransactionStatus
from tests.saying import raises_saying
from tests.unit.ledger.economy.support import EconomyBench, Keeper
from tests.unit.ledger.support import MOST_TOKENS, SigningPhone


@pytest.fixture
def bench(tmp_path: Path) -> EconomyBench:
    """Ann votes with 60 credits, Bob with 40."""
    bench = EconomyBench(tmp_path)
    bench.work("t")
    bench.keepers[0].orders("stake-earnings", 0, amount=str(60 * CREDIT))
    bench.keepers[1].orders("stake-earnings", 1, amount=str(40 * CREDIT))
    return bench


def decide(bench: EconomyBench, parameter: Parameter, value: int) -> None:
    """Have both vote for it, and let it come."""
    proposal = bench.keepers[0].proposes(parameter, value)
    for keeper in bench.keepers:
        keeper.votes(proposal, "yes")
    bench.wait(Parameter.VOTING_PERIOD_S)
    bench.wait(Parameter.EXECUTION_DELAY_S)
    assert bench.state.economy.value(parameter) == value


def test_a_stranger_does_not_become_keeper_by_signing_that_somebody_else_is(
    bench: EconomyBench,
) -> None:
    stranger, phone = Keeper("mallory", bench), bench.phones[2].serial
    signed = stranger.signs("keeper-succession", serial=phone, key="ab" * 32, number=1)
    with raises_saying(LedgerError, match="does not speak for"):
        bench.ledger.intake.submit(signed)
    assert bench.state.phone(phone).keeper == ""


def test_an_entry_about_one_phone_holds_no_order_about_another(bench: EconomyBench) -> None:
    order = bench.keepers[0].signs(
        "unbond", serial=bench.phones[0].serial, amount=str(CREDIT), number=2
    )
    with raises_saying(LedgerError, match="does not speak for"):
        bench.ledger._record(
            "unbonding-begun", {"serial": bench.phones[1].serial, **order.to_fields()}
        )


def test_a_grant_that_the_treasury_cannot_pay_waits_and_holds_up_nobody(
    bench: EconomyBench,
) -> None:
    ann, free, names = bench.keepers[0], bench.state.balance(TREASURY), []
    for title in ("first", "second"):
        late = {"kind": "after", "wall_ms": 2**52}
        grant = {"to": "ab" * 32, "parts": [{"amount": str(free), "condition": late}]}
        signed = ann.signs("proposal", title=title, change=None, grant=grant)
        names.append(bench.ledger.governance.propose(signed))
        ann.votes(names[-1], "yes")
    bench.wait(Parameter.VOTING_PERIOD_S)
    bench.wait(Parameter.EXECUTION_DELAY_S)
    assert [bench.state.economy.proposal(each).status for each in names] == [
        ProposalStatus.EXECUTED,
        ProposalStatus.OPEN,
    ]
    assert bench.status(bench.work("u")) is TransactionStatus.RELEASED
    bench.check()


def test_withdrawals_of_different_delays_come_out_as_each_is_due(bench: EconomyBench) -> None:
    ann = bench.keepers[0]
    ann.orders("unbond", 0, amount=str(CREDIT))
    decide(bench, Parameter.UNBONDING_DELAY_S, 2 * 86_400)
    ann.orders("unbond", 0, amount=str(2 * CREDIT))
    bench.wait(Parameter.UNBONDING_DELAY_S)
    left = [each.amount for each in bench.state.phone(bench.phones[0].serial).unbonding]
    assert left == [CREDIT]
    bench.check()


def test_no_vote_lets_stake_out_before_evidence_of_its_work_can_come(bench: EconomyBench) -> None:
    decide(bench, Parameter.UNBONDING_DELAY_S, 86_400)
    bench.keepers[0].orders("unbond", 0, amount=str(CREDIT))
    (leaving,) = bench.state.phone(bench.phones[0].serial).unbonding
    assert leaving.due_ms - bench.manual.wall_ms() == (86_400 + 3_600) * 1000


def test_a_serial_number_that_ends_like_a_transfer_stops_no_payment(tmp_path: Path) -> None:
    bench = EconomyBench(tmp_path)
    for number, ending in ((1, ":fee"), (2, ":stake")):
        bench.phones[number] = odd = SigningPhone(bench.phones[0].serial + ending)
        bench.ledger.register_phone(odd.serial, bench.proven(odd), "class")
    assert bench.status(bench.work("t")) is TransactionStatus.RELEASED
    bench.check()


def test_no_more_tokens_count_than_were_put_in_escrow_for(bench: EconomyBench) -> None:
    settled, rolled_back = bench.begin("u", CREDIT), bench.begin("v", CREDIT)
    for name in (settled, rolled_back):
        bench.sign_all(name)
    bench.ledger.settle(settled, 2 * MOST_TOKENS)
    bench.ledger.settle(settled, MOST_TOKENS)
    with raises_saying(LedgerError, match="escrow"):
        fields = {"transaction": rolled_back, "good_tokens": 2 * MOST_TOKENS, "reason": "test"}
        bench.ledger._record("rolled-back", fields)
    bench.ledger.roll_back(rolled_back, 2 * MOST_TOKENS, "test")
    bench.ledger.deals.recover()
    for name in (settled, rolled_back):
        assert bench.state.transaction(name).payable_tokens == MOST_TOKENS
    bench.check()


def test_stake_slashed_while_a_vote_is_open_has_no_say_in_it(bench: EconomyBench) -> None:
    ann, bob = bench.keepers
    proposal = ann.proposes(Parameter.TREASURY_FEE_PER_MILLE, 0)
    ann.votes(proposal, "yes")
    bob.votes(proposal, "no")
    heir = Keeper("heir", bench)
    ann.orders("keeper-succession", 0, key=heir.public_key.hex())
    name = bench.begin("u")
    bench.sign_all(name)
    bench.ledger.record_receipt(*bench.phones[0].receipt(name, 0, output_root="f" * 64))
    assert dict(bench.state.economy.proposal(proposal).weights) == {
        ann.public_key.hex(): 0,
        bob.public_key.hex(): 40 * CREDIT,
    }
    bench.ledger.settle(name, 1)
    bench.wait(Parameter.VOTING_PERIOD_S)
    assert bench.state.economy.proposal(proposal).status is ProposalStatus.REJECTED
    bench.check()


def test_an_order_to_stop_counts_once_also_with_a_stop_of_the_operator_between(
    bench: EconomyBench,
) -> None:
    ann, governance = bench.keepers[0], bench.ledger.governance
    until_ms = bench.manual.wall_ms() + 72 * 3_600_000
    order = ann.signs("stop", until_ms=until_ms)
    governance.stop(until_ms, "keepers", [order])
    bench.manual.advance(60)
    governance.resume([ann.signs("resume", until_ms=until_ms)])
    bench.manual.advance(3_600)
    governance.stop(bench.manual.wall_ms() + 60_000, "operator")
    bench.manual.advance(120)
    with raises_saying(LedgerError, match="order"):
        governance.stop(until_ms, "keepers", [order])


def test_a_cap_that_votes_lower_holds_for_quotes_of_before(bench: EconomyBench) -> None:
    bench.keepers[0].orders("quote", 0, rule="fixed", price="9000", rise_per_mille=0)
    decide(bench, Parameter.QUOTE_CAP, 10)
    assert price_of(bench.state.economy.quote(bench.phones[0].serial), 0, 0) == 10


def test_a_keeper_does_not_fill_the_journal_with_orders(bench: EconomyBench) -> None:
    carl, phone = Keeper("carl", bench), bench.phones[2].serial
    bench.ledger.stakes.name_keeper(phone, carl.public_key)
    quote = {"rule": "fixed", "price": "1", "rise_per_mille": 0}
    with bench.ledger.atomic():
        for _ in range(MOST_ORDERS_A_DAY):
            carl.orders("quote", 2, **quote)
    with raises_saying(LedgerError, match="orders a day"):
        carl.orders("quote", 2, **quote)
    bench.keepers[0].orders("quote", 0, **quote)
    bench.manual.advance(86_400)
    carl.orders("quote", 2, **quote)
    bench.check()
