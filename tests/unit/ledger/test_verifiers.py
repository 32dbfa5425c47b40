"""Which phone may audit another by the rules, and what becomes of one that answered falsely."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.core.audit_outcome import AuditOutcome
from app.core.errors import LedgerError
from app.core.identifiers import Serial, TransactionId
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from tests.saying import raises_saying
from tests.unit.ledger.support import Bench, SigningPhone, Verdict

IDLE = SigningPhone("phone-9")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a ledger with a transaction that is signed for, and a phone without a part in it."""
    made = Bench(tmp_path)
    made.register()
    join(made, IDLE, "class")
    made.begin("t")
    made.sign_all("t")
    return made


def join(bench: Bench, phone: SigningPhone, name: str) -> None:
    bench.ledger.register_phone(phone.serial, bench.proven(phone), name)
    bench.ledger.grant_stake(phone.serial)


def allowed(bench: Bench, *serials: Serial) -> list[Serial]:
    return bench.ledger.trust.verifiers(TransactionId("t"), 0, serials)


def passed(bench: Bench, verifier: str = IDLE.serial) -> Verdict:
    return Verdict("t", 0, bench.phones[0].serial, AuditOutcome.PASSED, verifier=verifier)


def test_an_idle_phone_of_the_class_may_audit_and_the_journal_says_that_it_did(
    bench: Bench,
) -> None:
    assert allowed(bench, IDLE.serial) == [IDLE.serial]
    before = bench.ledger.standing(bench.phones[0].serial)
    bench.ledger.record_audit(passed(bench))
    assert bench.ledger.standing(bench.phones[0].serial).audits_passed == before.audits_passed + 1
    row = bench.ledger.snapshot().journal[-1]
    assert row.summary.code == "journal.audit_passed_by"
    bench.ledger.close()
    report = verify_ledger(bench.path, read_public_key(bench.key_path))
    assert report.valid, report.problem


def test_nobody_audits_a_text_of_its_own_nor_one_that_computes_otherwise(bench: Bench) -> None:
    other = SigningPhone("phone-8")
    join(bench, other, "another class")
    assert not allowed(bench, bench.phones[1].serial, other.serial)
    for serial in (bench.phones[1].serial, other.serial):
        with raises_saying(LedgerError, "may not audit stage 0"):
            bench.ledger.record_audit(passed(bench, serial))


def test_how_many_threads_computed_is_no_matter_of_class(bench: Bench) -> None:
    other = SigningPhone("phone-8")
    join(bench, other, "class; 4 threads")
    assert allowed(bench, other.serial) == [other.serial]


def test_no_phone_vouches_for_another_of_its_keeper(bench: Bench) -> None:
    state = bench.ledger._state
    for serial, key in ((IDLE.serial, "aa"), (bench.phones[0].serial, "aa")):
        state.phones[serial] = replace(state.phone(serial), keeper=key)
    assert not allowed(bench, IDLE.serial)
    state.phones[IDLE.serial] = replace(state.phone(IDLE.serial), keeper="bb")
    assert allowed(bench, IDLE.serial)


def test_a_class_that_nothing_reproduces_or_that_is_in_doubt_is_not_vouched_for_by_its_own(
    bench: Bench,
) -> None:
    bench.ledger.trust.note_class("class", reproduced=False)
    assert not allowed(bench, IDLE.serial)
    bench.ledger.trust.note_class("class", reproduced=True)
    assert allowed(bench, IDLE.serial)
    state = bench.ledger._state
    state.classes["class"] = replace(state.class_record("class"), doubted=True)
    assert not allowed(bench, IDLE.serial)


@pytest.mark.parametrize("outcome", [AuditOutcome.FAILED, AuditOutcome.DEVIATES])
def test_what_a_phone_says_speaks_against_nobody(bench: Bench, outcome: AuditOutcome) -> None:
    verdict = replace(passed(bench), outcome=outcome, reason="wrong-output")
    with raises_saying(LedgerError, "speaks against nobody"):
        bench.ledger.record_audit(verdict)


def test_a_false_answer_costs_reputation_and_no_stake_until_the_operator_releases_it(
    bench: Bench,
) -> None:
    before = bench.ledger.standing(IDLE.serial)
    bench.ledger.trust.note_answer(TransactionId("t"), 0, IDLE.serial, right=True)
    honest = bench.ledger.standing(IDLE.serial)
    assert honest.reputation > before.reputation
    bench.ledger.trust.note_answer(TransactionId("t"), 1, IDLE.serial, right=False)
    after = bench.ledger.standing(IDLE.serial)
    assert after.reputation < honest.reputation
    assert (after.slashed, after.bonded, after.jailed_until_ms) == (0, before.bonded, None)
    assert not allowed(bench, IDLE.serial)
    with raises_saying(LedgerError, "may not audit"):
        bench.ledger.record_audit(passed(bench))
    bench.ledger.release(IDLE.serial)
    assert allowed(bench, IDLE.serial) == [IDLE.serial]


def test_only_answers_about_receipts_on_record_count(bench: Bench) -> None:
    bench.begin("unsigned")
    with raises_saying(LedgerError, "There is no receipt"):
        bench.ledger.trust.note_answer(TransactionId("unsigned"), 0, IDLE.serial, right=False)
    with raises_saying(LedgerError, "may not audit"):
        bench.ledger.trust.note_answer(TransactionId("t"), 0, bench.phones[2].serial, right=False)


def test_an_answer_counts_once_however_often_a_host_says_so(bench: Bench) -> None:
    bench.ledger.trust.note_answer(TransactionId("t"), 0, IDLE.serial, right=True)
    once = bench.ledger.standing(IDLE.serial)
    for right in (True, False):
        with raises_saying(LedgerError, "already"):
            bench.ledger.trust.note_answer(TransactionId("t"), 0, IDLE.serial, right=right)
    assert bench.ledger.standing(IDLE.serial) == once


def test_formats_before_the_seventh_know_of_no_phones_that_audit(bench: Bench) -> None:
    bench.ledger._state.format = 6
    with raises_saying(LedgerError, "format"):
        bench.ledger.trust.note_answer(TransactionId("t"), 0, IDLE.serial, right=True)
