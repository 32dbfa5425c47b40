"""A journal of format 2, `journals/before_agreements.sql`, written by the last version that did.

Its phones were registered on the host's word and with a stake, its receipts name neither request
nor journal. It ends without its epoch closed and with a transaction open.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import TransactionId
from app.ledger.entry import FORMAT_VERSION
from app.ledger.journal.verification import FormatUse
from app.ledger.rules.verdict import ReceiptStatus
from tests.saying import raises_saying
from tests.signing import proven_key
from tests.unit.ledger.support import SigningPhone
from tests.unit.ledger.test_old_journal import OldBench, second_receipt

WRITTEN = Path(__file__).parent / "journals" / "before_agreements.sql"
ENTRIES = 31
UNFINISHED = TransactionId("unfinished")


@pytest.fixture
def old(tmp_path: Path) -> OldBench:
    return OldBench(tmp_path, WRITTEN)


def test_it_verifies_and_tells_under_which_rules_it_was_written(old: OldBench) -> None:
    before = old.path.read_bytes()
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    assert report.formats == (FormatUse(2, ENTRIES),)
    assert old.path.read_bytes() == before


def test_it_is_gone_on_with_and_nobody_loses_a_stake_by_that(old: OldBench) -> None:
    before = [old.open().standing(phone.serial) for phone in old.phones[:1]]
    old.ledger.close()
    ledger = old.open()
    old.register()
    assert [ledger.standing(phone.serial) for phone in old.phones[:1]] == before
    transaction = old.begin("new")
    old.sign_all(transaction)
    ledger.settle(transaction, 5)
    ledger.close()
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    assert [use.format for use in report.formats] == [2, FORMAT_VERSION]


def test_what_was_open_ends_under_the_rules_that_it_began_with(old: OldBench) -> None:
    ledger, (_, second, third) = old.open(), old.phones
    signed = second_receipt(second, UNFINISHED, 1)
    assert ledger.record_receipt(*signed) is ReceiptStatus.RECORDED
    with raises_saying(LedgerError, "another version's form"):
        ledger.record_receipt(*third.receipt(UNFINISHED, 2))
    lie = second_receipt(second, UNFINISHED, 1, output_root="f" * 64)
    assert ledger.record_receipt(*lie) is ReceiptStatus.EQUIVOCATION
    ledger.settle(UNFINISHED, 4)
    ledger.close()
    assert old.verify().valid


def test_a_key_of_that_time_is_changed_by_its_own_word_only(old: OldBench) -> None:
    ledger, phone = old.open(), old.phones[0]
    thief = SigningPhone(phone.serial, "thief")
    stolen = proven_key(thief.key, phone.serial, ledger.host_key, predecessor=thief.key)
    with raises_saying(LedgerError, "its old one did not sign"):
        ledger.register_phone(phone.serial, stolen, "class")
    ledger.close()
    assert old.verify().valid
