"""Reading a ledger from outside: the whole of it for scripts, the newest end for a terminal."""

from __future__ import annotations

from typing import Any, Final

from app.core.errors import LedgerError
from app.core.identifiers import Serial
from app.ledger.entry import Entry, EntryKind
from app.ledger.head import SignedHead
from app.ledger.journal.replay import Observer, ReplayedLedger, replay
from app.ledger.rules.governance.public_economy import PublicEconomy
from app.ledger.storage.addresses import LedgerPlace
from app.ledger.storage.places import open_storage_read_only
from app.ledger.views.rows import RecentEntries
from app.ledger.views.snapshot import LedgerSnapshot, PhoneStanding
from app.ledger.views.standing import standing_of

CSV_COLUMNS: Final = ("sequence", "wall_ms", "kind", "body", "previous_hash", "entry_hash")
_EVIDENCE_KINDS = frozenset(
    {
        EntryKind.SLASHED,
        EntryKind.EQUIVOCATION,
        EntryKind.NUMBER_REUSED,
        EntryKind.SHARP_TEST,
        EntryKind.CANARY,
    }
)


def export_ledger(path: LedgerPlace) -> dict[str, Any]:
    """Return entries, accounts and evidence, JSON-ready; hashes hexadecimal, amounts text.

    Raises `LedgerError` where the ledger cannot be read or does not add up.
    """
    entries: list[dict[str, Any]] = []
    position = read_through(path, lambda entry: entries.append(entry_report(entry)))
    state = position.state
    evidence = [entry for entry in entries if _is_evidence(entry)]
    return {
        "head": _head(position.head),
        "entries": entries,
        "accounts": {account: str(state.balances[account]) for account in sorted(state.balances)},
        "evidence": evidence,
    }


def read_snapshot(path: LedgerPlace) -> LedgerSnapshot:
    """Return the newest end of a ledger, read from its file. Raises `LedgerError`."""
    recent = RecentEntries()
    position = read_through(path, recent.add)
    return recent.snapshot(position.state)


def read_standings(path: LedgerPlace, wall_ms: int) -> dict[Serial, PhoneStanding]:
    """Return every registered phone's account at a moment. Raises `LedgerError`."""
    position = read_through(path, lambda _entry: None)
    serials = map(Serial, sorted(position.state.phones))
    return {serial: standing_of(position.state, serial, wall_ms) for serial in serials}


def read_economy(path: LedgerPlace) -> PublicEconomy:
    """Return what is decided and offered in public. Raises `LedgerError`."""
    return read_through(path, lambda _entry: None).state.economy


def read_through(path: LedgerPlace, observe: Observer) -> ReplayedLedger:
    """Read a ledger from its first entry, each checked before it is told of.

    Raises `LedgerError` where it cannot be read or does not add up.
    """
    store = open_storage_read_only(path)
    try:
        return replay(store, None, (observe,))
    except LedgerError as error:
        raise LedgerError("ledger.cannot_read", path=str(path), reason=error.fact) from None
    finally:
        store.close()


def _head(head: SignedHead | None) -> dict[str, Any] | None:
    if head is None:
        return None
    return {
        "size": head.size,
        "last_hash": head.last_hash.hex(),
        "root": head.root.hex(),
        "signature": head.signature.hex(),
    }


def entry_report(entry: Entry) -> dict[str, Any]:
    """Return an entry JSON-ready."""
    return {
        "sequence": entry.sequence,
        "wall_ms": entry.wall_ms,
        "kind": entry.kind,
        "body": entry.fields(),
        "previous_hash": entry.previous_hash.hex(),
        "entry_hash": entry.entry_hash.hex(),
    }


def entry_row(entry: Entry) -> tuple[str, ...]:
    """Return an entry as `CSV_COLUMNS`; no cell of it can be taken for a formula."""
    hashes = entry.previous_hash.hex(), entry.entry_hash.hex()
    return (str(entry.sequence), str(entry.wall_ms), entry.kind, entry.body, *hashes)


def _is_evidence(entry: dict[str, Any]) -> bool:
    failed_audit = entry["kind"] == EntryKind.AUDIT and not entry["body"]["passed"]
    return failed_audit or entry["kind"] in _EVIDENCE_KINDS
