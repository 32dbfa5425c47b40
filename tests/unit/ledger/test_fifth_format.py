"""What the fifth format asks: choices signed for, registered classes, every key's own word.

A journal of format 4, `journals/before_choices.sql`, was written by the last version that did.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.audit_outcome import AuditOutcome, SharpOutcome
from app.core.errors import LedgerError
from app.core.identifiers import TransactionId
from app.ledger.entry import FORMAT_VERSION
from app.ledger.journal.verification import FormatUse
from app.ledger.rules.fifth_format import class_without_threads
from app.ledger.rules.verdict import ReceiptStatus
from tests.saying import raises_saying
from tests.signing import proven_key
from tests.unit.ledger.support import Bench, Verdict
from tests.unit.ledger.test_old_journal import OldBench

WRITTEN = Path(__file__).parent / "journals" / "before_choices.sql"
ENTRIES = 48
UNFINISHED = TransactionId("unfinished")


@pytest.fixture
def old(tmp_path: Path) -> OldBench:
    return OldBench(tmp_path, WRITTEN)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.register()
    return made


def test_a_journal_of_format_4_verifies_under_its_own_rules(old: OldBench) -> None:
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    assert report.formats == (FormatUse(4, ENTRIES),)


def test_it_goes_on_in_the_newest_and_what_was_open_ends_as_it_began(old: OldBench) -> None:
    ledger, third = old.open(), old.phones[2]
    contradicts = third.receipt(UNFINISHED, 2, choices=None, grounds=None, output_root="f" * 64)
    with raises_saying(LedgerError, "other terms|another opening|says"):
        ledger.record_receipt(*contradicts)
    ledger.settle(UNFINISHED, 2)
    ledger.close()
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    assert [use.format for use in report.formats] == [4, FORMAT_VERSION]


def test_a_receipt_that_says_nothing_of_choices_is_void(bench: Bench) -> None:
    work = bench.begin("work")
    with raises_saying(LedgerError, "another version's form"):
        bench.ledger.record_receipt(*bench.phones[0].receipt(work, 0, choices=None, grounds=None))


def test_a_receipt_of_another_class_than_the_registered_one_is_void(bench: Bench) -> None:
    work = bench.begin("work")
    for stage, phone in enumerate(bench.phones[:2]):
        invented = phone.receipt(work, stage, numerical_class="invented")
        with raises_saying(LedgerError, "another numerical class"):
            bench.ledger.record_receipt(*invented)
    assert not bench.ledger._state.classes
    bench.ledger.record_receipt(*bench.phones[2].receipt(work, 2))
    bench.ledger.settle(work, 5)
    paid = [bench.ledger.standing(phone.serial).balance > 0 for phone in bench.phones]
    assert paid == [False, False, True]
    assert bench.verify().valid


def test_a_class_does_not_depend_on_how_many_threads_computed(bench: Bench) -> None:
    first = bench.phones[0]
    registered = "CPU; onnxruntime 1.32.0; AMD; 1 threads; 29c286f1c2c2a494"
    bench.ledger.register_phone(first.serial, bench.proven(first), registered)
    work = bench.begin("work")
    other = registered.replace("29c286", "000000")
    with raises_saying(LedgerError, "another numerical class"):
        bench.ledger.record_receipt(*first.receipt(work, 0, numerical_class=other))
    four = registered.replace("1 threads", "4 threads")
    status = bench.ledger.record_receipt(*first.receipt(work, 0, numerical_class=four))
    assert status is ReceiptStatus.RECORDED
    assert class_without_threads(four) == class_without_threads(registered)
    assert class_without_threads("many threads") == "many threads"


def _with_new_key(bench: Bench, stage: int, *, lost: bool = False) -> Ed25519PrivateKey:
    """Let a phone get another key; return the one before."""
    phone = bench.phones[stage]
    old, phone.key = phone.key, Ed25519PrivateKey.generate()
    if lost:
        bench.ledger.withdraw_key(phone.serial, "key.removed_by_operator")
    proof = proven_key(phone.key, phone.serial, bench.ledger.host_key, None if lost else old)
    bench.ledger.register_phone(phone.serial, proof, "class")
    return old


def test_a_contradiction_under_the_key_of_then_costs_the_stake_after_a_change_of_keys(
    bench: Bench,
) -> None:
    work, phone = bench.begin("work"), bench.phones[1]
    bench.sign_all(work)
    phone.key = _with_new_key(bench, 1)
    second = phone.receipt(work, 1, output_root="f" * 64)
    assert bench.ledger.record_receipt(*second) is ReceiptStatus.EQUIVOCATION
    assert bench.ledger._state.phone(phone.serial).tombstoned
    bench.ledger.close()
    assert bench.verify().valid


def test_what_is_signed_with_a_key_that_was_lost_harms_nobody(bench: Bench) -> None:
    work, phone = bench.begin("work"), bench.phones[1]
    bench.sign_all(work)
    phone.key = _with_new_key(bench, 1, lost=True)
    before = bench.ledger.standing(phone.serial).stake
    with raises_saying(LedgerError, "not signed with the key"):
        bench.ledger.record_receipt(*phone.receipt(work, 1, output_root="f" * 64))
    assert bench.ledger.standing(phone.serial).stake == before


def test_another_token_than_the_one_to_choose_takes_stake(bench: Bench) -> None:
    work = bench.begin("work")
    bench.sign_all(work)
    bench.fail_audit(work, 2)
    found = replace(bench.sharp(work, 2), reason="chosen-otherwise", operator="", row=3)
    with raises_saying(LedgerError, "of other work|does not convince|evidence"):
        bench.ledger.record_sharp_test(found)
    bench.ledger.record_sharp_test(bench.chosen_otherwise(work, 2))
    assert bench.ledger.slash(bench.phones[2].serial, work, "wrong-output", {}) > 0
    bench.ledger.close()
    assert bench.verify().valid


def test_a_token_takes_no_stake_where_nobody_signed_what_steered_it(old: OldBench) -> None:
    ledger = old.open()
    ledger.record_audit(
        Verdict(UNFINISHED, 2, old.phones[2].serial, AuditOutcome.FAILED, deviation=2.0)
    )
    with raises_saying(LedgerError, "reason"):
        ledger.record_sharp_test(old.chosen_otherwise(UNFINISHED, 2))
    ledger.record_sharp_test(old.sharp(UNFINISHED, 2, SharpOutcome.UNAVAILABLE))
