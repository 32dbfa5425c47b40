"""What coarse audits and deaths add up to, and the breaker: no stake, no honest phone harmed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audit_outcome import AuditOutcome, DutyOutcome, SharpOutcome
from app.core.errors import LedgerError
from app.ledger.ledger import Ledger
from app.ledger.rules.audits.breakers import KNOWN_FROM, ClassRecord
from app.ledger.rules.audits.deaths import Deaths
from app.ledger.rules.audits.refusals import PHONE_GONE, PHONE_UNABLE
from app.ledger.rules.audits.suspicion import (
    NOT_ADMITTED_FROM,
    SUSPECTED_FROM,
    after_coarse_audit,
)
from app.ledger.rules.audits.wealth import MOST, Wealth
from app.ledger.rules.economy import STARTING_STAKE
from tests.saying import raises_saying
from tests.unit.ledger.support import LAYERS, Bench, Verdict

PASSED, DEVIATES, FAILED = AuditOutcome.PASSED, AuditOutcome.DEVIATES, AuditOutcome.FAILED


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.register()
    return bench


def audits(wealth: Wealth, deviation: float, count: int) -> list[float]:
    found = []
    for _ in range(count):
        wealth = after_coarse_audit(wealth, PASSED, deviation)
        found.append(wealth.amount)
    return found


@pytest.mark.parametrize("honest", [0.0, 0.05, 0.3, 0.45])
def test_no_honest_phone_is_ever_suspected_in_a_thousand_audits(honest: float) -> None:
    assert max(audits(Wealth(), honest, 1000)) < 1


@pytest.mark.parametrize("before", [0, 1000])
def test_a_cheat_just_below_what_is_wrong_is_suspected_and_then_kept_from_work(before: int) -> None:
    wealth = Wealth()
    for _ in range(before):
        wealth = after_coarse_audit(wealth, PASSED, 0.05)
    found = audits(wealth, 0.9, 60)
    suspected = next(number for number, each in enumerate(found, 1) if each >= SUSPECTED_FROM)
    stopped = next(number for number, each in enumerate(found, 1) if each >= NOT_ADMITTED_FROM)
    assert suspected <= (8 if before == 0 else 35)
    assert stopped <= (20 if before == 0 else 48)


def test_the_chance_that_honest_noise_is_suspected_is_bounded() -> None:
    """Deviations that are a half on average, the worst that counts as honest, 2000 phones."""
    generator = np.random.default_rng(6079)
    suspected = 0
    for _ in range(2000):
        wealth, most = Wealth(), 0.0
        for _ in range(100):
            wealth = after_coarse_audit(wealth, PASSED, float(generator.random() < 0.5))
            most = max(most, wealth.amount)
        suspected += most >= SUSPECTED_FROM
    assert suspected <= 2000 / SUSPECTED_FROM


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60))
def test_whatever_is_said_of_deviations_what_comes_of_it_is_bounded(said: list[float]) -> None:
    wealth = Wealth()
    for each in said:
        wealth = after_coarse_audit(wealth, PASSED, each)
        assert 0 <= wealth.amount <= MOST
    assert wealth.bets == len(said)


def test_who_deviates_too_often_is_audited_more_gets_no_work_and_keeps_its_stake(
    bench: Bench,
) -> None:
    serial, rates, number = bench.phones[0].serial, [], 0
    while bench.ledger.standing(serial).admitted:
        transaction = bench.begin(f"t{number}", audit_rate=0.1)
        bench.sign_all(transaction)
        rates.append(bench.audit_rate(transaction, 0))
        bench.ledger.record_audit(Verdict(transaction, 0, serial, PASSED, deviation=0.95))
        number += 1
        assert number < 30
    assert rates[0] == 0.1
    assert rates[-1] == 0.5
    assert bench.ledger.standing(serial).stake == STARTING_STAKE
    assert (
        bench.ledger.standing(serial).reputation
        < bench.ledger.standing(bench.phones[1].serial).reputation + 0.5
    )
    with raises_saying(LedgerError, "gets no work"):
        bench.begin("more", audit_rate=0.1)
    bench.ledger.release(serial)
    bench.begin("again", audit_rate=0.1)
    bench.ledger.close()
    assert bench.verify().valid


def test_who_holds_when_it_is_looked_at_closely_is_suspected_no_more(bench: Bench) -> None:
    serial = bench.phones[0].serial
    for number in range(12):
        transaction = bench.begin(f"t{number}")
        bench.sign_all(transaction)
        bench.fail_audit(transaction, 0)
        bench.ledger.record_sharp_test(bench.sharp(transaction, 0, SharpOutcome.PASSED))
    assert bench.ledger.standing(serial).suspicion < 1
    assert bench.ledger.standing(serial).admitted


def dies(asked: float, elsewhere: float, rounds: int, works: int, seed: int) -> float:
    """Return the most that bets on deaths grow to where they happen that often."""
    generator, deaths, most = np.random.default_rng(seed), Deaths(), 0.0
    for _ in range(rounds):
        for _ in range(works):
            deaths = deaths.after_work(died=bool(generator.random() < elsewhere))
        deaths = deaths.after_ask(died=bool(generator.random() < asked))
        most = max(most, deaths.wealth.amount)
    return most


@pytest.mark.parametrize("works", [1, 3, 10])
@pytest.mark.parametrize("rate", [0.0, 0.02, 0.3, 0.9])
def test_a_phone_that_dies_everywhere_alike_refuses_nothing(works: int, rate: float) -> None:
    assert max(dies(rate, rate, 200, works, seed) for seed in range(30)) < 1000


@pytest.mark.parametrize("works", [1, 10])
def test_a_phone_that_dies_when_it_is_asked_is_found_out(works: int) -> None:
    deaths, rounds = Deaths(), 0
    while not deaths.refuses:
        for _ in range(works):
            deaths = deaths.after_work(died=False)
        deaths = deaths.after_ask(died=True)
        rounds += 1
        assert rounds < 40
    assert rounds > 3


def test_dying_when_asked_costs_what_refusing_costs_once_it_is_more_than_chance(
    bench: Bench,
) -> None:
    serial, number = bench.phones[0].serial, 0
    while bench.ledger.standing(serial).owed == 0:
        transaction = bench.begin(f"t{number}")
        bench.sign_all(transaction)
        bench.ledger.record_not_audited(transaction, 0, DutyOutcome.UNAVAILABLE, PHONE_GONE)
        bench.ledger.record_not_audited(transaction, 1, DutyOutcome.UNAVAILABLE, "other")
        bench.ledger.record_audit(Verdict(transaction, 2, bench.phones[2].serial, PASSED))
        bench.ledger.settle(transaction, 1)
        number += 1
        assert number < 60
    others = [bench.ledger.standing(phone.serial).owed for phone in bench.phones[1:]]
    assert others == [0, 0]
    assert bench.ledger.standing(serial).stake == STARTING_STAKE
    bench.ledger.close()
    assert bench.verify().valid


def test_who_has_no_room_to_run_its_layers_again_never_comes_to_owe_for_it(bench: Bench) -> None:
    """Filled to its budget it says so at every ask, and dies nowhere else."""
    serial = bench.phones[0].serial
    for number in range(60):
        transaction = bench.begin(f"t{number}")
        bench.sign_all(transaction)
        none = replace(bench.sharp(transaction, 0, SharpOutcome.UNAVAILABLE), reason=PHONE_UNABLE)
        bench.ledger.record_sharp_test(none)
        bench.ledger.settle(transaction, 1)
    assert not bench.ledger._state.phone(serial).deaths.refuses
    assert bench.ledger.standing(serial).owed == 0
    bench.ledger.close()
    assert bench.verify().valid


def test_releasing_a_phone_begins_its_deaths_anew(bench: Bench) -> None:
    serial, number = bench.phones[0].serial, 0

    def dies() -> int:
        transaction = bench.begin(f"t{number}")
        bench.sign_all(transaction)
        before = bench.ledger.standing(serial).owed
        bench.ledger.record_not_audited(transaction, 0, DutyOutcome.UNAVAILABLE, PHONE_GONE)
        price = bench.ledger.standing(serial).owed - before
        bench.ledger.settle(transaction, 1)
        return price

    while dies() == 0:
        number += 1
        assert number < 60
    bench.ledger.release(serial)
    number += 1
    assert dies() == 0
    bench.ledger.close()
    assert bench.verify().valid


def all_fail(bench: Bench, transaction: str, stages: range) -> None:
    for stage in stages:
        bench.fail_audit(transaction, stage)
        bench.ledger.record_sharp_test(bench.sharp(transaction, stage))


def test_where_two_phones_of_a_new_class_fail_nobody_is_blamed_until_it_is_confirmed(
    bench: Bench,
) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    before = bench.ledger.standing(bench.phones[2].serial).reputation
    all_fail(bench, transaction, range(3))
    (doubted,) = bench.ledger.snapshot().doubted
    assert doubted.name == "class"
    for phone in bench.phones:
        with raises_saying(LedgerError, "until the operator confirms"):
            bench.ledger.slash(phone.serial, transaction, "wrong-output", {})
    assert bench.ledger.standing(bench.phones[2].serial).reputation == before
    bench.ledger.settle(transaction, 5)
    assert bench.ledger.standing(bench.phones[2].serial).balance > 0
    assert bench.ledger.confirm_class("ass") == "class"
    assert bench.ledger.snapshot().doubted == ()
    again = bench.begin("again")
    bench.sign_all(again)
    all_fail(bench, again, range(2))
    assert bench.ledger.slash(bench.phones[1].serial, again, "wrong-output", {}) > 0
    bench.ledger.close()
    assert bench.verify().valid


def test_an_audit_that_never_counted_is_not_taken_back(bench: Bench) -> None:
    """Of a class in doubt: what else the phone did wrong stays, however often it is cleared."""
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    all_fail(bench, transaction, range(2))
    bench.ledger.withheld(bench.phones[2].serial, transaction)
    for number in range(3):
        later = bench.begin(f"later-{number}")
        bench.sign_all(later)
        bench.deviate(later, 2)
        bench.ledger.record_sharp_test(bench.sharp(later, 2, SharpOutcome.PASSED))
    assert bench.ledger._state.phone(bench.phones[2].serial).reputation.bad > 0.9
    bench.ledger.close()
    assert bench.verify().valid


def test_an_audit_that_counted_before_the_doubt_is_taken_back(bench: Bench) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    serial = bench.phones[0].serial
    bench.deviate(transaction, 0)
    assert bench.ledger._state.phone(serial).reputation.bad == 1
    all_fail(bench, transaction, range(1, 3))
    assert bench.ledger.snapshot().doubted
    bench.ledger.record_sharp_test(bench.sharp(transaction, 0, SharpOutcome.PASSED))
    assert bench.ledger._state.phone(serial).reputation.bad == 0


def test_refusing_counts_whatever_is_in_doubt(bench: Bench) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    all_fail(bench, transaction, range(2))
    bench.deviate(transaction, 2)
    phones = bench.ledger._state.phones
    assert phones[bench.phones[2].serial].reputation.bad == 0
    bench.ledger.record_sharp_test(bench.sharp(transaction, 2, SharpOutcome.REFUSED))
    assert bench.ledger._state.phones[bench.phones[2].serial].reputation.bad == 1


def test_only_one_of_a_new_class_is_blamed_as_ever(bench: Bench) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    all_fail(bench, transaction, range(1, 2))
    assert bench.ledger.snapshot().doubted == ()
    assert bench.ledger.slash(bench.phones[1].serial, transaction, "wrong-output", {}) > 0


def test_a_contradiction_is_slashed_whatever_is_in_doubt(bench: Bench) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    all_fail(bench, transaction, range(2))
    bench.ledger.record_receipt(*bench.phones[2].receipt(transaction, 2, output_root="f" * 64))
    assert bench.ledger.standing(bench.phones[2].serial).stake == 0


@pytest.mark.parametrize("own", [True, False])
def test_a_class_that_is_known_opens_no_breaker(own: bool) -> None:  # noqa: FBT001
    record = ClassRecord("class")
    for number in range(1 if own else KNOWN_FROM):
        record = record.after_audit(f"phone-{number % 2}", PASSED, own=own)
    for number in range(9):
        record = record.after_audit(f"phone-{number}", FAILED, own=own)
        record = record.after_sharp_test(f"phone-{number}", SharpOutcome.FAILED)
    assert not record.doubted


def test_who_holds_has_not_failed(bench: Bench) -> None:
    record = ClassRecord("class")
    for number in range(9):
        record = record.after_audit(f"phone-{number}", DEVIATES, own=False)
        record = record.after_sharp_test(f"phone-{number}", SharpOutcome.PASSED)
    assert not record.doubted
    with raises_saying(LedgerError, "not in doubt"):
        record.after_confirmation()
    with raises_saying(LedgerError, "No class in doubt"):
        bench.ledger.confirm_class("class")


def test_read_again_the_journal_says_the_same_of_all_of_it(bench: Bench) -> None:
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    all_fail(bench, transaction, range(len(LAYERS)))
    before = bench.ledger.snapshot().doubted
    standings = [bench.ledger.standing(phone.serial) for phone in bench.phones]
    bench.ledger.close()
    again: Ledger = bench.open()
    assert again.snapshot().doubted == before
    assert [again.standing(phone.serial) for phone in bench.phones] == standings
