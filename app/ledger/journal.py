"""The append-only journal: every entry is checked, chained, covered by a signed head, committed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import LedgerError
from app.ledger.entry import Entry, make_entry
from app.ledger.head import sign_head
from app.ledger.merkle import leaf_hash
from app.ledger.replay import Replay
from app.ledger.state import Change, State
from app.ledger.store import LedgerStore
from app.ledger.transitions import change_of


class Journal:
    """The writing end of a ledger. Used from one thread."""

    def __init__(self, store: LedgerStore, key: Ed25519PrivateKey, position: Replay) -> None:
        self._store = store
        self._key = key
        self._position = position

    @property
    def state(self) -> State:
        """What the entries so far add up to."""
        return self._position.state

    @property
    def last(self) -> Entry | None:
        """The newest entry."""
        return self._position.last

    def record(self, kind: str, fields: Mapping[str, Any], wall_ms: int) -> Entry:
        """Append an entry; when this returns it is on the disk, with its effects and the head.

        Raises `LedgerError` where a rule refuses it or it cannot be written; nothing changed then.
        """
        entry = make_entry(self.last, wall_ms, kind, fields)
        change = change_of(self.state, entry)
        frontier = self._position.frontier.copy()
        frontier.append(leaf_hash(entry.entry_hash))
        try:
            self._write(entry, change, frontier.root())
        except sqlite3.Error as error:
            raise LedgerError(f"The ledger could not be written: {error}.") from error
        self.state.absorb(change)
        self._position.frontier = frontier
        self._position.last = entry
        return entry

    def _write(self, entry: Entry, change: Change, root: bytes) -> None:
        head = sign_head(self._key, entry.sequence, entry.entry_hash, root)
        with self._store.transaction():
            if entry.sequence == 1:
                self._store.create_tables()
            self._store.insert_entry(entry)
            self._store.replace_head(head)
            self._store.record_transfers(entry.sequence, change.transfers, change.balances)
