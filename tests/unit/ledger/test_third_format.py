"""A journal of format 3, `journals/before_sharp_tests.sql`, written by the last version that did.

There a failed audit alone took stake. It ends with an epoch open in which one audit failed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import TransactionId
from app.ledger.entry import FORMAT_VERSION
from app.ledger.journal.verification import FormatUse
from tests.saying import raises_saying
from tests.unit.ledger.test_old_journal import OldBench

WRITTEN = Path(__file__).parent / "journals" / "before_sharp_tests.sql"
ENTRIES = 41
UNFINISHED = TransactionId("unfinished")


@pytest.fixture
def old(tmp_path: Path) -> OldBench:
    return OldBench(tmp_path, WRITTEN)


def test_it_verifies_under_the_rules_that_it_was_written_under(old: OldBench) -> None:
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    assert report.formats == (FormatUse(3, ENTRIES),)


def test_gone_on_with_no_audit_of_that_time_takes_stake_any_more(old: OldBench) -> None:
    ledger, second = old.open(), old.phones[1]
    before = ledger.standing(second.serial)
    assert before.slashed > 0
    with raises_saying(LedgerError, "proves 'wrong-output'"):
        ledger.slash(second.serial, UNFINISHED, "wrong-output", {})
    ledger.close()
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    assert [use.format for use in report.formats] == [3, FORMAT_VERSION]
    assert old.open().standing(second.serial) == before
