"""Opening a ledger to write it: key, file and journal, checked before anything is changed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import LedgerError
from app.ledger.entry import FORMAT_VERSION, EntryKind
from app.ledger.journal.journal import Journal
from app.ledger.journal.keys import create_key, public_bytes, read_key
from app.ledger.journal.replay import Observer, ReplayedLedger, replay
from app.ledger.journal.store import LedgerStore


def open_journal(
    path: Path, key_path: Path, wall_ms: int, observe: Observer
) -> tuple[LedgerStore, Ed25519PrivateKey, Journal]:
    """Open a ledger, or begin one where there is none. Raises `LedgerError`.

    One of an older format is gone on with in the newest: an entry says from where on.
    """
    store = LedgerStore.open(path)
    try:
        key, journal = _read_or_begin(store, key_path, wall_ms, observe)
        store.use_write_ahead_log()
    except LedgerError as error:
        store.close()
        raise LedgerError("ledger.unusable", path=str(path), reason=error.fact) from None
    except sqlite3.Error as error:
        store.close()
        raise LedgerError("ledger.damaged", path=str(path), reason=str(error)) from None
    return store, key, journal


def _read_or_begin(
    store: LedgerStore, key_path: Path, wall_ms: int, observe: Observer
) -> tuple[Ed25519PrivateKey, Journal]:
    if not store.is_empty():
        key = read_key(key_path)
        journal = Journal(store, key, replay(store, public_bytes(key), (observe,)), observe)
        if journal.state.format < FORMAT_VERSION:
            journal.record(EntryKind.FORMAT_RAISED, {"format": FORMAT_VERSION}, wall_ms)
        return key, journal
    key = read_key(key_path) if key_path.exists() else create_key(key_path)
    journal = Journal(store, key, ReplayedLedger(), observe)
    fields = {"format": FORMAT_VERSION, "host_key": public_bytes(key).hex()}
    journal.record(EntryKind.GENESIS, fields, wall_ms)
    return key, journal
