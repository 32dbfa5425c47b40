"""Reading a ledger from outside: the whole of it for scripts, the newest end for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.core.errors import LedgerError
from app.core.identifiers import Serial
from app.ledger.entry import Entry, EntryKind
from app.ledger.journal.head import SignedHead
from app.ledger.journal.replay import Observer, ReplayedLedger, replay
from app.ledger.journal.store import LedgerStore
from app.ledger.rules.governance.public_economy import PublicEconomy
from app.ledger.views.rows import RecentEntries
from app.ledger.views.snapshot import LedgerSnapshot, PhoneStanding
from app.ledger.views.standing import standing_of

_EVIDENCE_KINDS = frozenset({EntryKind.SLASHED, EntryKind.EQUIVOCATION, EntryKind.SHARP_TEST})


def export_ledger(path: Path) -> dict[str, Any]:
    """Return entries, accounts and evidence, JSON-ready; hashes hexadecimal, amounts text.

    Raises `LedgerError` where the ledger cannot be read or does not add up.
    """
    entries: list[dict[str, Any]] = []
    position = _read(path, lambda entry: entries.append(_entry(entry)))
    state = position.state
    evidence = [entry for entry in entries if _is_evidence(entry)]
    return {
        "head": _head(position.head),
        "entries": entries,
        "accounts": {account: str(state.balances[account]) for account in sorted(state.balances)},
        "evidence": evidence,
    }


def read_snapshot(path: Path) -> LedgerSnapshot:
    """Return the newest end of a ledger, read from its file. Raises `LedgerError`."""
    recent = RecentEntries()
    position = _read(path, recent.add)
    return recent.snapshot(position.state)


def read_standings(path: Path, wall_ms: int) -> dict[Serial, PhoneStanding]:
    """Return every registered phone's account at a moment. Raises `LedgerError`."""
    position = _read(path, lambda _entry: None)
    serials = map(Serial, sorted(position.state.phones))
    return {serial: standing_of(position.state, serial, wall_ms) for serial in serials}


def read_economy(path: Path) -> PublicEconomy:
    """Return what is decided and offered in public. Raises `LedgerError`."""
    return _read(path, lambda _entry: None).state.economy


def _read(path: Path, observe: Observer) -> ReplayedLedger:
    store = LedgerStore.open_read_only(path)
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


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "wall_ms": entry.wall_ms,
        "kind": entry.kind,
        "body": entry.fields(),
        "previous_hash": entry.previous_hash.hex(),
        "entry_hash": entry.entry_hash.hex(),
    }


def _is_evidence(entry: dict[str, Any]) -> bool:
    failed_audit = entry["kind"] == EntryKind.AUDIT and not entry["body"]["passed"]
    return failed_audit or entry["kind"] in _EVIDENCE_KINDS
