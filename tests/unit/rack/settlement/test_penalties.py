"""What becomes of findings that the ledger does not take, and of phones of a class in doubt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from app.core.audit_outcome import AuditOutcome, DutyOutcome, SharpOutcome
from app.core.facts import Fact
from app.core.identifiers import TransactionId
from app.ledger.rules.economy import STARTING_STAKE
from app.proof.case import AuditMethod, AuditReason, Verdict
from app.rack.context import RackContext
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.fleet import Fleet
from app.rack.settlement.concluded import AttemptOutcome, Coverage, Finding
from app.rack.settlement.penalties import Penalties
from app.rack.settlement.sharp.close_look import CloseLook
from tests.unit.ledger.support import Bench
from tests.unit.rack.support import OnThisThread, a_context

WRONG, ODD = Fact("audit.wrong_output"), Fact("offence.did_not_sign")


@dataclass
class Judging:
    """Penalties over a real ledger, and what they tell and do."""

    bench: Bench
    context: RackContext = field(default_factory=a_context)
    jailed: list[str] = field(default_factory=list)

    def judge(self, outcome: AttemptOutcome) -> int:
        ledger = self.bench.ledger
        phones = {
            phone.serial: SimpleNamespace(
                serial=phone.serial,
                name=phone.serial,
                standing=ledger.standing(phone.serial),
                jail=lambda _fact, serial=phone.serial: self.jailed.append(serial),
            )
            for phone in self.bench.phones
        }
        thread = cast(LedgerThread, OnThisThread(ledger))
        penalties = Penalties(self.context, thread, cast(Fleet, SimpleNamespace(phones=phones)))
        return asyncio.run(penalties.judge(outcome, surviving=5, tokens=5))

    @property
    def told(self) -> list[str]:
        return [event.fact.code for event in self.context.timeline.events]


@pytest.fixture
def judging(tmp_path: Path) -> Judging:
    bench = Bench(tmp_path)
    bench.register()
    return Judging(bench)


def outcome(transaction: TransactionId, *findings: Finding) -> AttemptOutcome:
    return AttemptOutcome(transaction, (), findings, good_answers=5, coverage=Coverage(3, 2, 0))


def register(bench: Bench, numerical_class: str) -> None:
    for phone in bench.phones:
        bench.ledger.register_phone(phone.serial, bench.proven(phone), numerical_class)


def test_a_class_in_doubt_is_the_one_that_a_phone_signed_for(judging: Judging) -> None:
    """Its registration may name another number of threads, and by now another class."""
    bench, ledger = judging.bench, judging.bench.ledger
    for stage, name in enumerate(("first", "second")):
        register(bench, "class; 4 threads")
        transaction, serial = bench.begin(name), bench.phones[stage].serial
        bench.sign_all(transaction)
        register(bench, "newer")
        bench.convict(transaction, stage)
        slashes = judging.judge(outcome(transaction, Finding(serial, WRONG, "wrong-output", {})))
        assert slashes == (name == "first")
    assert judging.told.count("breaker.spared") == 1
    assert "penalty.not_recorded" not in judging.told
    assert ledger.standing(bench.phones[1].serial).stake == STARTING_STAKE
    assert ledger._state.transaction("second").payable_tokens == 5
    ledger.close()
    assert bench.verify().valid


def test_what_the_ledger_refuses_of_one_phone_strands_no_other(judging: Judging) -> None:
    bench, ledger = judging.bench, judging.bench.ledger
    first, second, third = (phone.serial for phone in bench.phones)
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    unproven, odd = Finding(first, WRONG, "wrong-output", {}), Finding(second, ODD, None, {})
    assert judging.judge(outcome(transaction, unproven, odd)) == 0
    assert judging.told == ["penalty.not_recorded", "penalty.jailed"]
    assert judging.jailed == [first, second]
    assert ledger.standing(first).stake == STARTING_STAKE
    assert ledger._state.transaction("t").withheld == {second}
    assert ledger.standing(third).balance > 0


def test_an_entry_that_is_refused_leaves_the_others_on_record(judging: Judging) -> None:
    bench, ledger = judging.bench, judging.bench.ledger
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    method, reason = AuditMethod.TOLERANCE, AuditReason.DEVIATES
    serial = bench.phones[1].serial
    verdict = Verdict(transaction, 1, serial, AuditOutcome.DEVIATES, method, reason)
    gone = CloseLook(serial, 1, SharpOutcome.UNAVAILABLE, Fact("sharp.phone_gone"))
    found = replace(
        outcome(transaction),
        verdicts=(verdict,),
        not_audited={9: (DutyOutcome.UNAVAILABLE, Fact("sharp.phone_gone"))},
        close_looks=(replace(gone, stage=9), gone),
    )
    judging.judge(found)
    attempt = ledger._state.transaction("t")
    assert (list(attempt.verdicts), list(attempt.sharp_tests)) == ([1], [1])
    assert judging.told.count("penalty.not_recorded") == 2
    assert attempt.payable_tokens == 5
    ledger.close()
    assert bench.verify().valid
