"""Signed snapshots of the state, so that opening a long journal does not read all of it.

A snapshot is a cache: whoever verifies does without, and one that does not hold is not used. Its
parts hold what settled transactions left, and grow as the journal does; the rest is small.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgpack
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.core.errors import LedgerError
from app.ledger.entry import FORMAT_VERSION
from app.ledger.journal.frontier import Frontier
from app.ledger.journal.replay import ReplayedLedger
from app.ledger.rules.audits.breakers import ClassRecord
from app.ledger.rules.governance.public_economy import PublicEconomy
from app.ledger.rules.kept.packing import Packing
from app.ledger.rules.state import Epoch, PhoneAccount, State, TransactionRecord
from app.ledger.storage.sql import JournalStorage, StoredSnapshot

SNAPSHOT_TAG: Final = b"poip/v1/snapshot\0"
EVERY_ENTRIES: Final = 2048
_FIRST: Final = bytes(32)
_log = logging.getLogger("shardloom.ledger")


@dataclass(frozen=True)
class StateSnapshot:
    """What a journal's first `entries` add up to, settled transactions aside."""

    reads: int
    """The newest format that its writer knew: another one's rules may keep more of the same."""
    entries: int
    last_hash: bytes
    peaks: tuple[bytes, ...]
    parts: bytes
    """Digest of all parts, chained."""
    format: int
    host_key: bytes
    writers: frozenset[bytes]
    balances: Mapping[str, int]
    phones: tuple[PhoneAccount, ...]
    transactions: tuple[TransactionRecord, ...]
    """Those that are not settled."""
    classes: tuple[ClassRecord, ...]
    distrusted: frozenset[tuple[str, str]]
    epoch: Epoch
    economy: PublicEconomy


_PACKING: Final = Packing(StateSnapshot)


class SnapshotWriter:
    """Says when a snapshot is due, and makes it. Used from the journal's thread."""

    def __init__(self, key: Ed25519PrivateKey, entries: int, parts_digest: bytes) -> None:
        """Go on from the snapshot that covers so many entries; none where there is no digest."""
        self._key = key
        self._entries = entries
        self._parts_digest = parts_digest
        self._prepared = b""

    def due(self, position: ReplayedLedger) -> StoredSnapshot | None:
        """Return a snapshot of where a journal stands, None while the last is not old enough."""
        if position.last is None or position.last.sequence - self._entries < EVERY_ENTRIES:
            return None
        part = _part_of(position.state)
        self._prepared = _chained(self._parts_digest or _FIRST, part)
        content = _PACKING.packed(_snapshot_of(position, position.last.entry_hash, self._prepared))
        signature = self._key.sign(SNAPSHOT_TAG + content)
        return StoredSnapshot(content, signature, part, begins_anew=not self._parts_digest)

    def written(self, position: ReplayedLedger) -> None:
        """Note that the last snapshot made is on the disk."""
        self._entries, self._parts_digest = position.state.entries, self._prepared
        position.state.transactions.packed_since.clear()
        position.state.transfers.since.clear()


def resumed(store: JournalStorage, public_key: bytes) -> ReplayedLedger | None:
    """Return where the newest snapshot leaves off; None where there is none that holds.

    It has to be signed with that key (32 bytes). Call inside `consistent_read`.
    """
    stored = store.snapshot()
    if stored is None:
        return None
    try:
        _require_signed(stored, public_key)
        snapshot = _PACKING.unpacked(stored.content)
        return _position(store, snapshot) if snapshot.reads == FORMAT_VERSION else None
    except (LedgerError, ValueError) as error:
        _log.warning("a snapshot of the ledger is not used: %s", error)
        return None


def _position(store: JournalStorage, snapshot: StateSnapshot) -> ReplayedLedger:
    newest = store.entries_before(snapshot.entries + 1, 1)
    if not newest or newest[0].entry_hash != snapshot.last_hash:
        raise LedgerError("snapshot.other_journal")
    state = _state_of(snapshot)
    digest = _FIRST
    for part in store.snapshot_parts():
        digest = _chained(digest, part)
        _put(state, part)
    if digest != snapshot.parts:
        raise LedgerError("snapshot.other_parts")
    state.transactions.update({each.transaction: each for each in snapshot.transactions})
    return ReplayedLedger(
        state=state,
        frontier=Frontier.of(snapshot.entries, snapshot.peaks),
        last=newest[0],
        snapshot_entries=snapshot.entries,
        parts_digest=digest,
    )


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
        transactions=tuple(state.transactions.at_work()),
        classes=tuple(state.classes.values()),
        distrusted=state.distrusted,
        epoch=state.epoch,
        economy=state.economy,
    )


def _state_of(snapshot: StateSnapshot) -> State:
    state = State()
    state.entries, state.format = snapshot.entries, snapshot.format
    state.host_key, state.epoch = snapshot.host_key, snapshot.epoch
    state.writers, state.economy = snapshot.writers, snapshot.economy
    state.balances.update(snapshot.balances)
    state.phones.update({each.serial: each for each in snapshot.phones})
    state.classes.update({each.name: each for each in snapshot.classes})
    state.distrusted = snapshot.distrusted
    return state


def _part_of(state: State) -> bytes:
    records = state.transactions
    settled = [(name, records.packed(name)) for name in records.packed_since]
    packed: bytes = msgpack.packb([b"".join(state.transfers.since), settled])
    return packed


def _put(state: State, part: bytes) -> None:
    """Add a part to a state. Raises `LedgerError`."""
    for name, content in _settled(state, part):
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise LedgerError("snapshot.unreadable")
        state.transactions.put_packed(name, content)


def _settled(state: State, part: bytes) -> Iterator[tuple[Any, Any]]:
    try:
        transfers, settled = msgpack.unpackb(part)
        state.transfers.put_packed(transfers)
        yield from ((name, content) for name, content in settled)
    except (ValueError, TypeError, msgpack.UnpackException):
        raise LedgerError("snapshot.unreadable") from None


def _chained(before: bytes, part: bytes) -> bytes:
    return hashlib.sha256(before + hashlib.sha256(part).digest()).digest()


def _require_signed(stored: StoredSnapshot, public_key: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            stored.signature, SNAPSHOT_TAG + stored.content
        )
    except (InvalidSignature, ValueError):
        raise LedgerError("snapshot.not_signed") from None
