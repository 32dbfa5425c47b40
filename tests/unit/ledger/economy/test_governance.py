"""Proposals, votes by stake, grants in parts and the emergency stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.ledger.entry import EntryKind
from app.ledger.rules.accounts import TREASURY, keeper_account
from app.ledger.rules.economy import CREDIT
from app.ledger.rules.governance.parameters import BOUNDS, Parameter
from app.ledger.rules.governance.proposal import ProposalStatus
from tests.saying import raises_saying
from tests.unit.ledger.economy.support import EconomyBench, Keeper

FEE = Parameter.TREASURY_FEE_PER_MILLE
AFTER_NOW = {"kind": "after", "wall_ms": 0}


@pytest.fixture
def bench(tmp_path: Path) -> EconomyBench:
    """Ann votes with 60 credits, Bob with 40."""
    bench = EconomyBench(tmp_path)
    bench.work("t")
    bench.keepers[0].orders("stake-earnings", 0, amount=str(60 * CREDIT))
    bench.keepers[1].orders("stake-earnings", 1, amount=str(40 * CREDIT))
    return bench


def status(bench: EconomyBench, proposal: str) -> ProposalStatus:
    return bench.state.economy.proposal(proposal).status


def test_what_is_voted_for_is_carried_out_after_the_delay_and_verifies(bench: EconomyBench) -> None:
    ann, bob = bench.keepers
    proposal = ann.proposes(FEE, 50)
    ann.votes(proposal, "yes")
    bob.votes(proposal, "no")
    with raises_saying(LedgerError, match="voted on the proposal .* already"):
        ann.votes(proposal, "no")
    bench.wait(Parameter.VOTING_PERIOD_S)
    with raises_saying(LedgerError, match="is over"):
        bench.keepers[1].votes(proposal, "yes")
    with raises_saying(LedgerError, match="waits for its day"):
        bench.ledger._record(EntryKind.PROPOSAL_EXECUTED, {"proposal": proposal})
    with raises_saying(LedgerError, match="was accepted"):
        bench.ledger._record(EntryKind.PROPOSAL_CLOSED, {"proposal": proposal})
    assert bench.state.economy.value(FEE) == 20
    bench.wait(Parameter.EXECUTION_DELAY_S)
    assert (status(bench, proposal), bench.state.economy.value(FEE)) == (
        ProposalStatus.EXECUTED,
        50,
    )
    bench.check()


@pytest.mark.parametrize(
    ("ann", "bob", "accepted"),
    [
        ("yes", None, True),
        (None, "yes", True),  # 40 of 100 are a third
        (None, None, False),
        ("no", "yes", False),
        ("abstain", "yes", True),
        (None, "abstain", False),
    ],
)
def test_a_third_has_to_vote_and_more_than_half_of_it_for_it(
    bench: EconomyBench, ann: str | None, bob: str | None, *, accepted: bool
) -> None:
    proposal = bench.keepers[0].proposes(FEE, 0)
    for keeper, choice in zip(bench.keepers, (ann, bob), strict=True):
        if choice:
            keeper.votes(proposal, choice)
    assert bench.state.economy.proposal(proposal).accepted is accepted
    bench.wait(Parameter.VOTING_PERIOD_S)
    bench.wait(Parameter.EXECUTION_DELAY_S)
    expected = ProposalStatus.EXECUTED if accepted else ProposalStatus.REJECTED
    assert status(bench, proposal) is expected


def test_votes_count_with_the_stake_of_the_opening(bench: EconomyBench) -> None:
    ann, bob = bench.keepers
    proposal = ann.proposes(FEE, 30)
    bench.ledger.add_stake(bench.phones[1].serial, 1000 * CREDIT)
    bob.orders("stake-earnings", 1, amount=str(100 * CREDIT))
    bob.votes(proposal, "no")
    ann.votes(proposal, "yes")
    assert bench.state.economy.proposal(proposal).accepted


def test_who_has_no_stake_of_its_own_neither_proposes_nor_votes(bench: EconomyBench) -> None:
    carl = Keeper("carl", bench)
    bench.ledger.stakes.name_keeper(bench.phones[2].serial, carl.public_key)
    with raises_saying(LedgerError, match="no vote"):
        carl.proposes(FEE, 1)
    proposal = bench.keepers[0].proposes(FEE, 1)
    with raises_saying(LedgerError, match="no vote"):
        carl.votes(proposal, "yes")
    with raises_saying(LedgerError, match="no proposal"):
        bench.keepers[0].votes("0" * 64, "yes")
    with raises_saying(LedgerError, match="is no vote"):
        bench.keepers[0].votes(proposal, "perhaps")


@pytest.mark.parametrize("parameter", list(Parameter))
def test_a_proposal_out_of_bounds_is_refused_in_one_line(
    bench: EconomyBench, parameter: Parameter
) -> None:
    before = bench.state.entries
    for value in (BOUNDS[parameter].most + 1, BOUNDS[parameter].least - 1):
        with raises_saying(LedgerError, match="may be|not a whole number"):
            bench.keepers[0].proposes(parameter, value)
    assert bench.state.entries == before


def test_what_is_no_proposal_is_refused_in_one_line(bench: EconomyBench) -> None:
    ann = bench.keepers[0]
    change, grant = {"parameter": FEE.value, "value": 3}, {"to": "0" * 64, "parts": []}
    for title, what, words in (
        ("", {"change": change, "grant": None}, "title"),
        ("a\nb", {"change": change, "grant": None}, "title"),
        ("both", {"change": change, "grant": grant}, "one of them"),
        ("none", {"change": None, "grant": None}, "one of them"),
        ("nothing", {"change": None, "grant": grant}, "1 to 24 parts"),
        ("odd", {"change": {"parameter": "gravity", "value": 1}, "grant": None}, "no parameter"),
        ("more", {"change": change, "grant": None, "and": 1}, "other fields"),
    ):
        with raises_saying(LedgerError, match=words):
            bench.ledger.governance.propose(ann.signs("proposal", title=title, **what))
    same = ann.signs("proposal", title="Once", change=change, grant=None)
    bench.ledger.governance.propose(same)
    with raises_saying(LedgerError, match="made already"):
        bench.ledger.governance.propose(same)
    ann.proposes(FEE, 4)
    ann.proposes(FEE, 5)
    with raises_saying(LedgerError, match="3 of them of one keeper"):
        ann.proposes(FEE, 6)


def test_a_grant_is_paid_in_parts_each_on_its_own_condition(bench: EconomyBench) -> None:
    ann, carl = bench.keepers[0], Keeper("carl", bench)
    phone, free = bench.phones[2].serial, bench.state.balance(TREASURY)
    grantee = keeper_account("ab" * 32)
    conditions: list[dict[str, object]] = [
        AFTER_NOW,
        {"kind": "audits-passed", "serial": phone, "count": 1},
        {"kind": "attested", "key": carl.public_key.hex()},
    ]
    parts = [{"amount": str(CREDIT), "condition": each} for each in conditions]
    with raises_saying(LedgerError, match="treasury is .* short"):
        too_much = [{"amount": str(free + 1), "condition": AFTER_NOW}]
        grant = {"to": "ab" * 32, "parts": too_much}
        bench.ledger.governance.propose(
            ann.signs("proposal", title="Much", change=None, grant=grant)
        )
    signed = ann.signs(
        "proposal", title="A guide", change=None, grant={"to": "ab" * 32, "parts": parts}
    )
    name = bench.ledger.governance.propose(signed)
    ann.votes(name, "yes")
    bench.wait(Parameter.VOTING_PERIOD_S)
    bench.wait(Parameter.EXECUTION_DELAY_S)
    assert bench.state.economy.reserved == 3 * CREDIT
    bench.ledger.look_after()
    assert bench.state.balance(grantee) == CREDIT
    with raises_saying(LedgerError, match="part 0 .* is paid|Part 0 .* is paid"):
        bench.ledger.governance.pay_part(name, 0)
    for part in (1, 2):
        with raises_saying(LedgerError, match="not met"):
            bench.ledger.governance.pay_part(name, part)
    with raises_saying(LedgerError, match="not met"):
        wrong = bench.keepers[1].signs("attestation", proposal=name, part=2)
        bench.ledger.governance.pay_part(name, 2, wrong)
    bench.ledger.governance.pay_part(name, 2, carl.signs("attestation", proposal=name, part=2))
    assert bench.state.balance(grantee) == 2 * CREDIT
    assert bench.state.economy.reserved == CREDIT
    bench.check()


def test_a_stop_holds_money_and_not_evidence(bench: EconomyBench) -> None:
    waiting = bench.begin("u")
    bench.sign_all(waiting)
    bench.ledger.settle(waiting, 5)
    now = bench.manual.wall_ms()
    with raises_saying(LedgerError, match="lasts .* at most"):
        bench.ledger.governance.stop(now + 4 * 86_400_000, "odd payments")
    bench.ledger.governance.stop(now + 2 * 3_600_000, "odd payments")
    with raises_saying(LedgerError, match="emergency stop is in force"):
        bench.begin("v")
    bench.wait(Parameter.EVIDENCE_WINDOW_S)
    assert bench.ledger.standing(bench.phones[0].serial).pending
    bench.convict(waiting, 1)
    assert bench.ledger.slash(bench.phones[1].serial, waiting, "wrong-output", {}) > 0
    bench.wait(Parameter.EVIDENCE_WINDOW_S)
    assert not bench.ledger.standing(bench.phones[0].serial).pending
    with raises_saying(LedgerError, match="as long as it lasted"):
        bench.ledger.governance.stop(bench.manual.wall_ms() + 1000, "again")
    bench.check()


def test_keepers_of_a_third_stop_and_only_they_end_it(bench: EconomyBench) -> None:
    ann, bob = bench.keepers
    until = bench.manual.wall_ms() + 3_600_000
    stranger = Keeper("carl", bench).signs("stop", until_ms=until)
    with raises_saying(LedgerError, match="third of all votes"):
        bench.ledger.governance.stop(until, "x", [stranger])
    bench.ledger.governance.stop(until, "x", [bob.signs("stop", until_ms=until)])
    with raises_saying(LedgerError, match="they alone end it"):
        bench.ledger.governance.resume()
    bench.ledger.governance.resume([ann.signs("resume", until_ms=until)])
    with raises_saying(LedgerError, match="no emergency stop"):
        bench.ledger.governance.resume()
    with raises_saying(LedgerError, match="were used"):
        bench.ledger.governance.stop(until, "x", [bob.signs("stop", until_ms=until)])
    bench.check()
