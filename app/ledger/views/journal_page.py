"""Which part of a journal is asked for, and what is answered; the reading is in `pages`."""

from __future__ import annotations

from dataclasses import dataclass

from app.ledger.views.snapshot import JournalRow


@dataclass(frozen=True)
class JournalSearch:
    """Which entries are wanted: all, those of some kinds, or with words in the signed record.

    The record is an entry's body, its number, and its hash in at least six hexadecimal digits.
    """

    words: str = ""
    """Upper and lower case are the same; empty for every entry."""
    kinds: tuple[str, ...] = ()
    """Kinds that are wanted whatever words their entries hold."""


@dataclass(frozen=True)
class JournalPage:
    """Some rows, oldest first."""

    rows: tuple[JournalRow, ...]
    reaches_beginning: bool
    """Whether nothing that was wanted is older."""
