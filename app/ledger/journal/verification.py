"""Checking a ledger without trusting it: everything is recomputed, nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.core.errors import LedgerError
from app.ledger.entry import Entry, EntryKind
from app.ledger.journal.replay import replay
from app.ledger.journal.store import LedgerStore
from app.ledger.rules.evidence import SignedReceipt
from app.ledger.rules.fields import record


@dataclass(frozen=True)
class VerificationReport:
    """Whether a ledger is what its host signed; `problem` is one line, empty where it is."""

    valid: bool
    entries: int
    """How many entries were read and found right."""
    problem: str


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
        return VerificationReport(valid=False, entries=counter.entries, problem=str(error))
    return VerificationReport(valid=True, entries=counter.entries, problem="")


class _Checker:
    """Checks the signatures in entries that replay found right."""

    def __init__(self) -> None:
        self.entries = 0

    def check(self, entry: Entry) -> None:
        try:
            if entry.kind == EntryKind.RECEIPT:
                SignedReceipt.from_fields(entry.fields()).verified()
            elif entry.kind == EntryKind.EQUIVOCATION:
                SignedReceipt.from_fields(record(entry.fields(), "second")).verified()
        except LedgerError as error:
            raise LedgerError(f"Entry {entry.sequence}: {error}") from None
        self.entries += 1
