"""Journal entries in a line each, and the newest of them for front ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from app.core.audit_outcome import AuditOutcome
from app.core.identifiers import Serial
from app.ledger.entry import Entry, EntryKind, canonical_json
from app.ledger.rules.accounts import TREASURY
from app.ledger.rules.economy import format_credits
from app.ledger.rules.fields import Fields, amount
from app.ledger.rules.state import State
from app.ledger.views.snapshot import JournalRow, LedgerSnapshot, SlashRow

NEWEST_ROWS: Final = 200


class RecentEntries:
    """The newest entries and slashes; rows are made of them once somebody looks."""

    def __init__(self) -> None:
        self._new_entries: deque[Entry] = deque(maxlen=NEWEST_ROWS)
        self._new_slashes: deque[Entry] = deque(maxlen=NEWEST_ROWS)
        self._journal: deque[JournalRow] = deque(maxlen=NEWEST_ROWS)
        self._slashes: deque[SlashRow] = deque(maxlen=NEWEST_ROWS)

    def add(self, entry: Entry) -> None:
        """Take in the next entry."""
        self._new_entries.append(entry)
        if entry.kind == EntryKind.SLASHED:
            self._new_slashes.append(entry)

    def snapshot(self, state: State) -> LedgerSnapshot:
        """Return the newest end of the ledger; the head hash is empty where nothing was written."""
        self._journal.extend(_journal_row(entry) for entry in self._new_entries)
        self._slashes.extend(_slash_row(entry) for entry in self._new_slashes)
        self._new_entries.clear()
        self._new_slashes.clear()
        return LedgerSnapshot(
            state.entries,
            self._journal[-1].entry_hash if self._journal else "",
            state.balance(TREASURY),
            tuple(self._journal),
            tuple(self._slashes),
        )


def _journal_row(entry: Entry) -> JournalRow:
    fields = entry.fields()
    subject = str(fields.get("serial") or fields.get("transaction") or "")
    summary = _SUMMARIES[entry.kind](fields)
    digest = entry.entry_hash.hex()
    return JournalRow(entry.sequence, entry.wall_ms, entry.kind, subject, summary, digest)


def _slash_row(entry: Entry) -> SlashRow:
    fields = entry.fields()
    return SlashRow(
        entry.sequence,
        entry.wall_ms,
        Serial(fields["serial"]),
        amount(fields, "amount"),
        fields["reason"],
        canonical_json(fields["evidence"]),
    )


def _opened(fields: Fields) -> str:
    return f"{fields['model']} on {_count(len(fields['stages']), 'phone')}"


def _audited(fields: Fields) -> str:
    outcome = "passed" if fields["passed"] else f"failed: {fields['reason']}"
    if fields.get("outcome") == AuditOutcome.DEVIATES:
        outcome = "deviates further than rounding explains"
    return f"Stage {fields['stage']} of {fields['transaction']} {outcome} ({fields['method']})"


def _slashed(fields: Fields) -> str:
    return f"{format_credits(amount(fields, 'amount'))} for {fields['reason']}"


def _settled(fields: Fields) -> str:
    paid = sum(amount(payment, "amount") for payment in fields["payments"])
    return f"{_count(fields['tokens'], 'token')}, {format_credits(paid)} paid"


def _rolled_back(fields: Fields) -> str:
    return f"{_count(fields['good_tokens'], 'token')} kept: {fields['reason']}"


def _receipt(fields: Fields) -> str:
    return f"Stage {fields['stage']} signed"


def _equivocation(fields: Fields) -> str:
    return f"Stage {fields['stage']} signed two different receipts"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_SUMMARIES: Final[Mapping[str, Callable[[Fields], str]]] = MappingProxyType(
    {
        EntryKind.GENESIS: lambda fields: f"Ledger begins, format {fields['format']}",
        EntryKind.FORMAT_RAISED: lambda fields: f"From here on format {fields['format']}",
        EntryKind.PHONE_REGISTERED: lambda fields: (
            f"Registered with {format_credits(amount(fields, 'stake'))} at stake"
        ),
        EntryKind.PHONE_CHANGED: lambda _fields: "New key or numerical class",
        EntryKind.STAKE_ADDED: lambda fields: format_credits(amount(fields, "amount")),
        EntryKind.TRANSACTION_OPENED: _opened,
        EntryKind.RECEIPT: _receipt,
        EntryKind.EQUIVOCATION: _equivocation,
        EntryKind.RECEIPT_WITHHELD: lambda fields: f"No receipt for {fields['transaction']}",
        EntryKind.AUDIT: _audited,
        EntryKind.AUDIT_NOT_DONE: lambda fields: (
            f"Stage {fields['stage']} of {fields['transaction']} was to be audited and was not:"
            f" {fields['reason']} ({fields['outcome']})"
        ),
        EntryKind.SLASHED: _slashed,
        EntryKind.JAILED: lambda fields: str(fields["reason"]),
        EntryKind.RELEASED: lambda _fields: "Released",
        EntryKind.ROLLED_BACK: _rolled_back,
        EntryKind.SETTLED: _settled,
        EntryKind.COSIGNED: lambda fields: (
            f"Head signed by {_count(len(fields['lines']), 'phone')}"
        ),
        EntryKind.EPOCH_OPENED: lambda fields: f"Epoch {fields['epoch']} opened",
        EntryKind.EPOCH_CLOSED: lambda fields: f"Epoch {fields['epoch']}: secret revealed",
    }
)
