"""What a journal's entries tell, those of earlier versions and of strangers among them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audit_outcome import DutyOutcome
from app.core.facts import Fact
from app.ledger.entry import Entry, EntryKind, make_entry
from app.ledger.rules.economy import PENALTIES
from app.ledger.rules.state import State
from app.ledger.views.export import read_snapshot
from app.ledger.views.reasons import NEVER_CONCLUDED, OTHERS_WRONG, reason_named
from app.ledger.views.rows import RecentEntries
from app.ledger.views.snapshot import LedgerSnapshot
from app.proof.case import AuditReason
from app.words.catalogue import use_language
from app.words.ledger import kind_word, offence_text, row_text
from app.words.sentences import SENTENCES, sentence

OLD_JOURNAL = Path(__file__).parent / "journals" / "before_bound_epochs.sql"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    st.lists,
    max_leaves=3,
)


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    use_language("en")


@pytest.fixture
def old(tmp_path: Path) -> LedgerSnapshot:
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(OLD_JOURNAL.read_text("utf-8"))
    connection.close()
    return read_snapshot(path)


def shown(kind: str, **fields: object) -> str:
    """Return what is shown of one entry."""
    recent = RecentEntries()
    recent.add(make_entry(None, 0, kind, fields))
    return row_text(recent.snapshot(State()).journal[0], {})


def test_phrases_of_earlier_versions_are_shown_as_they_are(old: LedgerSnapshot) -> None:
    told = {row.kind: sentence(row.summary) for row in old.journal}
    assert told[EntryKind.ROLLED_BACK] == "2 tokens kept: wrong output"
    assert told[EntryKind.JAILED] == "hot"
    assert told[EntryKind.STAKE_ADDED].endswith("credits")


def test_every_entry_of_a_journal_has_words_in_japanese(old: LedgerSnapshot) -> None:
    assert all(row.summary.code in SENTENCES for row in old.journal)
    english = [sentence(row.summary) for row in old.journal]
    use_language("ja")
    japanese = [sentence(row.summary) for row in old.journal]
    same = {one for one, other in zip(english, japanese, strict=True) if one == other}
    assert same == {"hot"}  # an operator's own words


def test_what_is_written_now_is_a_name_that_each_language_has_words_for() -> None:
    good = {"transaction": "t", "good_tokens": 2}
    english = shown(EntryKind.ROLLED_BACK, **good, reason=OTHERS_WRONG)
    assert english == "t  2 tokens kept: the others did not stand"
    use_language("ja")
    assert OTHERS_WRONG not in shown(EntryKind.ROLLED_BACK, **good, reason=OTHERS_WRONG)
    due = {"transaction": "t", "stage": 1, "serial": "P", "outcome": DutyOutcome.UNAVAILABLE.value}
    assert NEVER_CONCLUDED not in shown(EntryKind.AUDIT_NOT_DONE, **due, reason=NEVER_CONCLUDED)


def test_every_offence_and_every_reason_of_an_audit_has_words() -> None:
    told = {AuditReason.NONE, AuditReason.DEVIATES}  # a row of its own
    for name in (*PENALTIES, *(set(AuditReason) - told)):
        assert isinstance(reason_named(name), Fact), name
    assert offence_text("wrong-output") == "a wrong output"


@given(reason=ANYTHING, method=ANYTHING)
def test_whatever_a_strangers_audit_gives_as_its_reason_is_one_line(
    reason: object, method: object
) -> None:
    fields = {"serial": "P", "transaction": "t", "stage": 0, "passed": False}
    told = shown(EntryKind.AUDIT, **fields, reason=reason, method=method)
    assert told.startswith("P  Stage 0 of t failed")
    assert "\n" not in told


def test_every_kind_of_entry_has_a_word() -> None:
    use_language("ja")
    kinds = [value for name, value in vars(EntryKind).items() if name.isupper()]
    assert {EntryKind.RECEIPT, EntryKind.COSIGNED} <= set(kinds)
    assert [kind for kind in kinds if kind_word(kind) == kind] == []
    assert kind_word("of-the-future") == "of-the-future"


def test_an_entry_is_read_once() -> None:
    recent = RecentEntries()
    entry: Entry = make_entry(None, 0, EntryKind.EPOCH_OPENED, {"epoch": 3})
    recent.add(entry)
    first = recent.snapshot(State()).journal
    assert recent.snapshot(State()).journal == first
    assert sentence(first[0].summary) == "Epoch 3 opened"
