"""Which part of a journal is asked for, and what is answered; the reading is in `pages`."""

from __future__ import annotations

from dataclasses import dataclass

from app.ledger.views.snapshot import JournalRow


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
