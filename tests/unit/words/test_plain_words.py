"""What was shown as a code is told in words."""

from __future__ import annotations

import pytest

from app.core.facts import Fact
from app.ledger.entry import EntryKind
from app.ledger.views.snapshot import JournalRow
from app.proof.case import AuditMethod
from app.words.experiments.text import target_text
from app.words.ledger import method_word, row_text
from app.words.pages.experiments import struck_text


@pytest.mark.parametrize("method", list(AuditMethod))
def test_how_an_audit_compared_has_words_of_its_own(method: AuditMethod) -> None:
    assert method_word(method.value) != method.value


def test_an_audit_in_the_journal_tells_how_it_compared() -> None:
    told = Fact("journal.audit_passed", stage=0, transaction="t-1", method="together")
    row = JournalRow(7, 0, EntryKind.AUDIT, "PX7P", told, "ab")
    assert row_text(row, {"PX7P": "Pixel 7"}) == (
        "Pixel 7  Stage 0 of t-1 passed (all rows at once)"
    )


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("stage:first", "first stage"),
        ("stage:3", "stage 3"),
        ("phone:2", "phone 2"),
        ("share:0.25", "25 % of the phones"),
        ("serial:PX7P-0001", "PX7P-0001"),
        ("all", "all phones"),
        ("host", "this computer"),
    ],
)
def test_whom_a_planned_fault_strikes_is_told_in_words(target: str, words: str) -> None:
    assert target_text(target) == words


def test_this_computer_is_not_counted_among_the_phones() -> None:
    assert struck_text(["A", "B"], 4, host=True) == (
        "Strikes this computer and 2 of 4 phones: A, B."
    )
    assert struck_text(["A"], 4, host=False) == "Strikes 1 of 4 phones: A."
    assert struck_text([], 4, host=True) == "Strikes this computer and no phone."
