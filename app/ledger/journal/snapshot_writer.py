"""Making snapshots while a ledger is written: a few records at each commit, so that none waits."""

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
MOST_ENTRIES: Final = 8192
"""So many are replayed on opening at most, however much is at work."""
RECORDS_A_COMMIT: Final = 64
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

    def go_on(self) -> None:
        """Pack the next records: they are frozen, whatever became of their transactions since."""
        if self.content:
            return
        count = min(RECORDS_A_COMMIT, len(self._left))
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

    def due(self, position: ReplayedLedger) -> StoredSnapshot | None:
        """Return a snapshot that is made, None where none is.

        It is of where a journal stood when it was begun; until it is `written` it is returned
        again.
        """
        if position.last is None:
            return None
        if self._making is None:
            if position.last.sequence - self._entries < self._pause:
                return None
            digest = self._parts_digest or FIRST_DIGEST
            self._making = _Making(position, position.last.entry_hash, digest)
        self._making.go_on()
        return self._stored(self._making) if self._making.content else None

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
