"""Making snapshots while a ledger is written: a few records at each commit, so that none waits.

How many go with a commit grows with its entries, so that a snapshot is whole after so many entries,
however many records are at work and however few commits there are.
"""

from __future__ import annotations

import zlib
from collections import deque
from typing import Final

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.ledger.entry import FORMAT_VERSION
from app.ledger.journal.replay import ReplayedLedger
from app.ledger.journal.snapshots import (
    FIRST_DIGEST,
    PACKING,
    SNAPSHOT_TAG,
    TRANSACTIONS,
    StateSnapshot,
    chained,
)
from app.ledger.storage.sql import StoredSnapshot

EVERY_ENTRIES: Final = 2048
"""A snapshot is whole at most so many entries, and a commit, after it was begun."""
MOST_ENTRIES: Final = 4096
"""The next is begun at most so many entries, and a commit, later, however much is at work.

What opening replays is therefore bounded by the sum of both and two commits.
"""
CLOSING_ENTRIES: Final = 256
"""So many are replayed at once: closing makes no snapshot of fewer."""
RECORDS_A_COMMIT: Final = 64
"""At least."""
_LEVEL: Final = 1


class _Making:
    """A snapshot of one moment, on its way."""

    def __init__(self, position: ReplayedLedger, last_hash: bytes, parts: bytes) -> None:
        """Take what changes from `position`; `parts` is the digest of the parts so far."""
        state = position.state
        taken = [state.transfers.packed_since(), state.transactions.take_packed_since()]
        self.part: bytes = msgpack.packb(taken)
        self.parts = chained(parts, self.part)
        self.entries = state.entries
        self._head = PACKING.packed(_snapshot_of(position, last_hash, self.parts))
        self._left = deque(state.transactions.at_work())
        self.records = len(self._left)
        self._compressor = zlib.compressobj(_LEVEL)
        self._packed: list[bytes] = []
        self.content = b""
        """Whole, once it is made."""

    def go_on(self, entries: int) -> None:
        """Pack the records due beside so many new entries.

        They are frozen, whatever became of their transactions since.
        """
        due = -(-self.records * entries // EVERY_ENTRIES)
        self._pack(max(RECORDS_A_COMMIT, due))

    def finish(self) -> None:
        """Pack all that are left."""
        self._pack(len(self._left))

    def _pack(self, most: int) -> None:
        if self.content:
            return
        count = min(most, len(self._left))
        lines = [TRANSACTIONS.packed(self._left.popleft()) + b"\n" for _ in range(count)]
        self._packed.append(self._compressor.compress(b"".join(lines)))
        if not self._left:
            self.content = b"".join((self._head, b"\n", *self._packed, self._compressor.flush()))


class SnapshotWriter:
    """Says when a snapshot is due, and makes it. Used from the journal's thread."""

    def __init__(self, key: Ed25519PrivateKey, entries: int, parts_digest: bytes) -> None:
        """Go on from the snapshot that covers so many entries; none where there is no digest."""
        self._key = key
        self._entries = entries
        self._parts_digest = parts_digest
        self._pause = EVERY_ENTRIES
        self._making: _Making | None = None

    def due(self, position: ReplayedLedger, entries: int) -> StoredSnapshot | None:
        """Return a snapshot that is whole, None where none is; `entries` are about to be written.

        It is of where a journal stood when it was begun; until it is `written` it is returned
        again.
        """
        making = self._begun(position, self._pause)
        if making is None:
            return None
        making.go_on(entries)
        return self._stored(making) if making.content else None

    def last(self, position: ReplayedLedger) -> StoredSnapshot | None:
        """Return a snapshot to close a journal with, whole; None where the last one is new enough.

        To be asked again once it is `written`: one that was begun earlier comes first.
        """
        making = self._begun(position, CLOSING_ENTRIES)
        if making is None:
            return None
        making.finish()
        return self._stored(making)

    def _begun(self, position: ReplayedLedger, pause: int) -> _Making | None:
        """Return the one being made, begun here where so many entries are not covered."""
        last = position.last
        if self._making is None and last is not None and last.sequence - self._entries >= pause:
            digest = self._parts_digest or FIRST_DIGEST
            self._making = _Making(position, last.entry_hash, digest)
        return self._making

    def written(self) -> None:
        """Note that the last snapshot made is on the disk."""
        made, self._making = self._making, None
        if made is not None:
            self._entries, self._parts_digest = made.entries, made.parts
            self._pause = max(EVERY_ENTRIES, min(2 * made.records, MOST_ENTRIES))

    def _stored(self, made: _Making) -> StoredSnapshot:
        signature = self._key.sign(SNAPSHOT_TAG + made.content)
        begins_anew = not self._parts_digest
        return StoredSnapshot(made.content, signature, made.part, begins_anew=begins_anew)


def _snapshot_of(position: ReplayedLedger, last_hash: bytes, parts: bytes) -> StateSnapshot:
    state = position.state
    return StateSnapshot(
        reads=FORMAT_VERSION,
        entries=state.entries,
        last_hash=last_hash,
        peaks=position.frontier.peaks,
        parts=parts,
        format=state.format,
        host_key=state.host_key,
        writers=state.writers,
        balances=dict(state.balances),
        phones=tuple(state.phones.values()),
        classes=tuple(state.classes.values()),
        distrusted=state.distrusted,
        epoch=state.epoch,
        economy=state.economy,
        evidence_rule=state.evidence_rule,
    )
