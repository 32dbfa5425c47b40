"""Signed snapshots of the state, so that opening a long journal does not read all of it.

A snapshot is a cache: whoever verifies does without, and one that does not hold is not used. Its
parts hold what settled transactions left, and grow as the journal does; the rest is small.
"""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgpack
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.core.errors import LedgerError
from app.ledger.entry import FORMAT_VERSION
from app.ledger.journal.frontier import Frontier
from app.ledger.journal.replay import ReplayedLedger
from app.ledger.rules.audits.breakers import ClassRecord
from app.ledger.rules.governance.public_economy import PublicEconomy
from app.ledger.rules.kept.evidence_rule import EvidenceRule
from app.ledger.rules.kept.packing import Packing
from app.ledger.rules.state import Epoch, PhoneAccount, State, TransactionRecord
from app.ledger.storage.sql import JournalStorage, StoredSnapshot

SNAPSHOT_TAG: Final = b"poip/v1/snapshot\0"
FIRST_DIGEST: Final = bytes(32)
"""Of no parts."""
_MOST_BYTES: Final = 1 << 30
"""Of records unpacked: what is larger is none of ours."""
_log = logging.getLogger("shardloom.ledger")


@dataclass(frozen=True)
class StateSnapshot:
    """What a journal's first `entries` add up to, transactions aside."""

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
    classes: tuple[ClassRecord, ...]
    distrusted: frozenset[tuple[str, str]]
    epoch: Epoch
    economy: PublicEconomy
    evidence_rule: EvidenceRule = field(default_factory=EvidenceRule)


PACKING: Final = Packing(StateSnapshot)
TRANSACTIONS: Final = Packing(TransactionRecord)


def resumed(store: JournalStorage, public_key: bytes) -> ReplayedLedger | None:
    """Return where the newest snapshot leaves off; None where there is none that holds.

    It has to be signed with that key (32 bytes). Call inside `consistent_read`.
    """
    stored = store.snapshot()
    if stored is None:
        return None
    try:
        _require_signed(stored, public_key)
        packed, _, records = stored.content.partition(b"\n")
        snapshot = PACKING.unpacked(packed)
        return _position(store, snapshot, records) if snapshot.reads == FORMAT_VERSION else None
    except (LedgerError, ValueError) as error:
        _log.warning("a snapshot of the ledger is not used: %s", error)
        return None


def _position(store: JournalStorage, snapshot: StateSnapshot, records: bytes) -> ReplayedLedger:
    newest = store.entries_before(snapshot.entries + 1, 1)
    if not newest or newest[0].entry_hash != snapshot.last_hash:
        raise LedgerError("snapshot.other_journal")
    state = _state_of(snapshot)
    digest = FIRST_DIGEST
    for part in store.snapshot_parts():
        digest = chained(digest, part)
        _put(state, part)
    if digest != snapshot.parts:
        raise LedgerError("snapshot.other_parts")
    state.transactions.update({each.transaction: each for each in _at_work(records)})
    return ReplayedLedger(
        state=state,
        frontier=Frontier.of(snapshot.entries, snapshot.peaks),
        last=newest[0],
        snapshot_entries=snapshot.entries,
        parts_digest=digest,
    )


def _state_of(snapshot: StateSnapshot) -> State:
    state = State()
    state.entries, state.format = snapshot.entries, snapshot.format
    state.host_key, state.epoch = snapshot.host_key, snapshot.epoch
    state.writers, state.economy = snapshot.writers, snapshot.economy
    state.evidence_rule = snapshot.evidence_rule
    state.balances.update(snapshot.balances)
    state.phones.update({each.serial: each for each in snapshot.phones})
    state.classes.update({each.name: each for each in snapshot.classes})
    state.distrusted = snapshot.distrusted
    return state


def _at_work(packed: bytes) -> Iterator[TransactionRecord]:
    """Yield the transactions that are not over. Raises `LedgerError`."""
    try:
        lines = zlib.decompressobj().decompress(packed, _MOST_BYTES).splitlines()
    except zlib.error:
        raise LedgerError("snapshot.unreadable") from None
    return (TRANSACTIONS.unpacked(line) for line in lines)


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


def chained(before: bytes, part: bytes) -> bytes:
    """Return the digest (32 bytes) of the parts so far and the next one."""
    return hashlib.sha256(before + hashlib.sha256(part).digest()).digest()


def _require_signed(stored: StoredSnapshot, public_key: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            stored.signature, SNAPSHOT_TAG + stored.content
        )
    except (InvalidSignature, ValueError):
        raise LedgerError("snapshot.not_signed") from None
