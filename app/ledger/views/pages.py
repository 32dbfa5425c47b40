"""Pages of the journal, read beside the writer: any number of rows, a few at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.errors import LedgerError
from app.ledger.journal.store import LedgerStore
from app.ledger.views.rows import journal_row
from app.ledger.views.snapshot import JournalRow

LARGEST_PAGE: Final = 1000


@dataclass(frozen=True)
class SearchTerm:
    """One thing that is wanted of an entry: words in the signed record, or what stands for them.

    The record is an entry's body, its number, and its hash in at least six hexadecimal digits.
    """

    words: str
    """Upper and lower case are the same."""
    kinds: tuple[str, ...] = ()
    """Kinds whose entries are wanted whatever words their record holds."""
    also: tuple[str, ...] = ()
    """Other texts in the record that will do, such as the serial of a phone of that name."""


@dataclass(frozen=True)
class JournalSearch:
    """Which entries are wanted: those that every term is found in, all where there is none."""

    terms: tuple[SearchTerm, ...] = ()


@dataclass(frozen=True)
class JournalPage:
    """Some rows, oldest first."""

    rows: tuple[JournalRow, ...]
    reaches_beginning: bool
    """Whether nothing that was wanted is older."""


def read_page(
    path: Path, before: int | None, count: int, search: JournalSearch | None = None
) -> JournalPage:
    """Return the newest `count` entries older than the entry `before`, or than any.

    At most `LARGEST_PAGE`. Raises `LedgerError` where the file cannot be read.
    """
    count, wanted = max(1, min(count, LARGEST_PAGE)), search or JournalSearch()
    store = LedgerStore.open_read_only(path)
    try:
        with store.consistent_read():
            found = store.entries_before(
                before,
                count + 1,
                [(term.words, term.kinds, term.also) for term in wanted.terms],
            )
    except LedgerError as error:
        raise LedgerError("ledger.cannot_read", path=str(path), reason=error.fact) from None
    finally:
        store.close()
    rows = tuple(journal_row(entry) for entry in reversed(found[:count]))
    return JournalPage(rows, reaches_beginning=len(found) <= count)
