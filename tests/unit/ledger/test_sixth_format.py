"""What the sixth format asks: grounds signed for, classes read, ways distrusted on record.

A journal of format 5, `journals/before_grounds.sql`, was written by the last version that did.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import Serial, TransactionId
from app.ledger.entry import FORMAT_VERSION
from app.ledger.journal.verification import FormatUse
from app.ledger.rules.phones.distrust import DistrustReason, standing_by
from tests.saying import raises_saying
from tests.unit.ledger.support import Bench
from tests.unit.ledger.test_old_journal import OldBench

WRITTEN = Path(__file__).parent / "journals" / "before_grounds.sql"
ENTRIES = 25
RATE = 0.01
UNFINISHED = TransactionId("unfinished")


@pytest.fixture
def old(tmp_path: Path) -> OldBench:
    found = OldBench(tmp_path, WRITTEN)
    found.phones[0].numerical_class = "class"
    return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.register()
    return made


def test_a_journal_of_format_5_verifies_and_goes_on_in_the_newest(old: OldBench) -> None:
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    assert report.formats == (FormatUse(5, ENTRIES),)
    ledger = old.open()
    ledger.settle(UNFINISHED, 2)
    ledger.close()
    report = old.verify()
    assert (report.valid, report.problem) == (True, None)
    assert [use.format for use in report.formats] == [5, FORMAT_VERSION]


def test_a_receipt_that_says_nothing_of_grounds_is_void(bench: Bench) -> None:
    work = bench.begin("work")
    with raises_saying(LedgerError, "another version's form"):
        bench.ledger.record_receipt(*bench.phones[2].receipt(work, 2, grounds=None))


def test_each_receipt_of_a_class_that_nothing_reproduces_is_audited(bench: Bench) -> None:
    """Two who invent a class are paid for nothing that nobody looked at."""
    ledger = bench.ledger
    before = bench.begin("before", audit_rate=RATE)
    bench.sign_all(before)
    assert set(ledger._state.transaction(before).audit_rates.values()) == {RATE}
    ledger.trust.note_class("class", reproduced=False)
    ledger.trust.note_class("class", reproduced=False)
    after = bench.begin("after", audit_rate=RATE)
    bench.sign_all(after)
    assert set(ledger._state.transaction(after).audit_rates.values()) == {1.0}
    assert ledger.due_stages(after) == {0, 1, 2}
    ledger.trust.note_class("class", reproduced=True)
    ledger.trust.note_class("class", reproduced=False)
    assert ledger.trust.is_class_reproduced("class") is True
    later = bench.begin("later", audit_rate=RATE)
    bench.sign_all(later)
    assert set(ledger._state.transaction(later).audit_rates.values()) == {RATE}


def _three(bench: Bench) -> tuple[Serial, Serial, Serial]:
    first, second, third = (phone.serial for phone in bench.phones)
    return first, second, third


def test_ways_of_two_who_signed_otherwise_are_known_to_a_ledger_opened_anew(bench: Bench) -> None:
    first, second, third = _three(bench)
    work = bench.begin("work")
    bench.ledger.record_receipt(*bench.phones[0].receipt(work, 0, output_root="e" * 64))
    bench.ledger.record_receipt(*bench.phones[1].receipt(work, 1))
    bench.ledger.record_receipt(*bench.phones[2].receipt(work, 2))
    bench.ledger.trust.distrust(first, second, work, DistrustReason.SIGNED_OTHERWISE)
    bench.ledger.trust.distrust(first, second, work, DistrustReason.SIGNED_OTHERWISE)
    bench.ledger.trust.distrust(third, first, work, DistrustReason.ROWS_UNUSABLE)
    bench.ledger.roll_back(work, 0, "audit.others_wrong")
    bench.ledger.close()
    assert bench.verify().valid
    again = bench.open()
    assert again.trust.distrusted == {(first, second), (third, first)}
    again.trust.trust_all()
    again.trust.trust_all()
    assert not again.trust.distrusted
    again.close()
    assert bench.verify().valid


def test_distrust_that_nothing_shows_is_refused(bench: Bench) -> None:
    first, second, third = _three(bench)
    work = bench.begin("work")
    bench.sign_all(work)
    trust, otherwise = bench.ledger.trust, DistrustReason.SIGNED_OTHERWISE
    with raises_saying(LedgerError, "signed alike"):
        trust.distrust(first, second, work, otherwise)
    with raises_saying(LedgerError, "Nothing went that way"):
        trust.distrust(first, third, work, DistrustReason.ROWS_UNUSABLE)
    with raises_saying(LedgerError, "Nothing went that way"):
        trust.distrust(second, Serial("stranger"), work, DistrustReason.ROWS_UNUSABLE)
    assert not trust.distrusted


def test_who_three_neighbours_had_trouble_with_stands_by() -> None:
    assert standing_by([("a", "b"), ("c", "a"), ("b", "c")]) == frozenset()
    assert standing_by([("a", "b"), ("c", "a"), ("a", "d")]) == {"a"}
