"""Checking a ledger without trusting it: everything is recomputed, nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.core.errors import LedgerError
from app.ledger.entry import Entry, EntryKind
from app.ledger.journal.replay import replay
from app.ledger.journal.store import LedgerStore
from app.ledger.rules.evidence import SignedReceipt
from app.ledger.rules.fields import integer, record


@dataclass(frozen=True)
class FormatUse:
    """Entries in a row that were written in one format, under its rules."""

    format: int
    entries: int


@dataclass(frozen=True)
class VerificationReport:
    """Whether a ledger is what its host signed; `problem` is one line, empty where it is."""

    valid: bool
    entries: int
    """How many entries were read and found right."""
    problem: str
    formats: tuple[FormatUse, ...]
    """Under which rules they were written, oldest first."""


def verify_ledger(path: Path, public_key: bytes) -> VerificationReport:
    """Replay a ledger against the host's public key (32 bytes; `keys.read_public_key`).

    Checked: the file, the chain, every rule and amount, every receipt's signature, revealed epoch
    secrets, the signed head. Raises `LedgerError` only where there is no ledger at all.
    """
    if not path.is_file():
        raise LedgerError(f"There is no ledger at {path}.")
    counter = _Checker()
    try:
        store = LedgerStore.open_read_only(path)
        try:
            replay(store, public_key, (counter.check,))
        finally:
            store.close()
    except LedgerError as error:
        return counter.report(str(error))
    return counter.report("")


class _Checker:
    """Checks the signatures in entries that replay found right."""

    def __init__(self) -> None:
        self._entries: dict[int, int] = {}
        """By format, oldest first."""

    def report(self, problem: str) -> VerificationReport:
        formats = tuple(FormatUse(number, count) for number, count in self._entries.items())
        total = sum(self._entries.values())
        return VerificationReport(not problem, total, problem, formats)

    def check(self, entry: Entry) -> None:
        try:
            if entry.kind == EntryKind.RECEIPT:
                SignedReceipt.from_fields(entry.fields()).verified()
            elif entry.kind == EntryKind.EQUIVOCATION:
                SignedReceipt.from_fields(record(entry.fields(), "second")).verified()
        except LedgerError as error:
            raise LedgerError(f"Entry {entry.sequence}: {error}") from None
        self._count(entry)

    def _count(self, entry: Entry) -> None:
        if entry.kind in (EntryKind.GENESIS, EntryKind.FORMAT_RAISED):
            self._entries[integer(entry.fields(), "format")] = 0
        self._entries[next(reversed(self._entries))] += 1
