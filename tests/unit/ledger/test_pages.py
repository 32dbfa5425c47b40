from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import Serial
from app.ledger.entry import EntryKind
from app.ledger.ledger import Ledger
from app.ledger.views.journal_page import JournalSearch, SearchTerm
from app.ledger.views.pages import read_page
from app.ledger.views.snapshot import JournalRow
from app.testing.clocks import ManualClock
from tests.saying import raises_saying
from tests.signing import proven_key
from tests.unit.ledger.support import SigningPhone

STAKES = 25


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "ledger.sqlite"
    ledger = Ledger(file, tmp_path / "ledger.key", ManualClock())
    phone = SigningPhone("P1")
    ledger.register_phone(Serial("P1"), proven_key(phone.key, "P1", ledger.host_key), "arm")
    for _ in range(STAKES):
        ledger.add_stake(Serial("P1"), 5)
    ledger.close()
    return file


def searched(words: str, kinds: tuple[str, ...] = ()) -> JournalSearch:
    return JournalSearch((SearchTerm(words, kinds),))


def test_pages_together_are_the_whole_journal(path: Path) -> None:
    whole = read_page(path, None, 1000)
    assert whole.reaches_beginning
    assert [row.sequence for row in whole.rows] == list(range(1, len(whole.rows) + 1))
    rows: list[JournalRow] = []
    before: int | None = None
    while True:
        page = read_page(path, before, 7)
        rows = [*page.rows, *rows]
        if page.reaches_beginning:
            break
        before = rows[0].sequence
    assert tuple(rows) == whole.rows


def test_a_search_goes_by_what_entries_hold_and_by_their_kinds(path: Path) -> None:
    words = read_page(path, None, 1000, searched("p1"))
    assert len(words.rows) == STAKES + 1
    kinds = read_page(path, None, 1000, searched("stakes", (EntryKind.STAKE_ADDED,)))
    assert {row.kind for row in kinds.rows} == {EntryKind.STAKE_ADDED}
    assert len(kinds.rows) == STAKES
    assert read_page(path, None, 10, searched("nothing like it")).rows == ()
    few = read_page(path, None, 10, searched("p1"))
    assert (len(few.rows), few.reaches_beginning) == (10, False)


def test_every_term_is_wanted_and_another_text_will_do_for_each(path: Path) -> None:
    stakes = SearchTerm("nothing like it", also=("P1",))
    assert len(read_page(path, None, 1000, JournalSearch((stakes,))).rows) == STAKES + 1
    last = SearchTerm("8")
    assert [row.sequence for row in read_page(path, None, 9, JournalSearch((stakes, last))).rows]
    nothing = SearchTerm("nothing like it")
    assert read_page(path, None, 1000, JournalSearch((stakes, nothing))).rows == ()


def test_a_search_goes_by_number_and_by_hash(path: Path) -> None:
    rows = read_page(path, None, 1000).rows
    wanted = rows[7]
    assert wanted in read_page(path, None, 1000, searched("8")).rows
    for words in (wanted.entry_hash, wanted.entry_hash[:10].upper(), wanted.entry_hash[-6:]):
        assert read_page(path, None, 1000, searched(words)).rows == (wanted,)
    assert read_page(path, None, 1000, searched(wanted.entry_hash[:10] + "g")).rows == ()


@pytest.mark.parametrize("words", ["GERÄT-É", "gerät-é", "Gerät"])
def test_a_search_folds_letters_beyond_ascii(tmp_path: Path, words: str) -> None:
    file = tmp_path / "ledger.sqlite"
    ledger = Ledger(file, tmp_path / "ledger.key", ManualClock())
    phone = SigningPhone("Gerät-É")
    ledger.register_phone(
        Serial("Gerät-É"), proven_key(phone.key, "Gerät-É", ledger.host_key), "arm"
    )
    ledger.close()
    assert len(read_page(file, None, 10, searched(words)).rows) == 1


@pytest.mark.parametrize("words", ["9" * 400, "²", "abcdef" * 40])
def test_a_number_or_hash_that_no_entry_can_have_is_not_found(path: Path, words: str) -> None:
    assert read_page(path, None, 5, searched(words)).rows == ()


@pytest.mark.parametrize("words", ["%", "'", '"; DROP TABLE journal; --', "_"])
def test_what_is_typed_is_never_read_as_sql(path: Path, words: str) -> None:
    assert len(read_page(path, None, 1000, searched(words)).rows) <= STAKES + 4
    assert len(read_page(path, None, 1000).rows) > STAKES


def test_a_journal_that_is_not_there_is_told(tmp_path: Path) -> None:
    with raises_saying(LedgerError, "There is no ledger|no ledger"):
        read_page(tmp_path / "none.sqlite", None, 10)
