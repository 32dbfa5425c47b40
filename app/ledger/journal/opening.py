"""Opening a ledger to write it: key, storage and journal, checked before anything is changed."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import LedgerError
from app.ledger.entry import FORMAT_VERSION, EntryKind
from app.ledger.journal.journal import Journal
from app.ledger.journal.keys import create_key, public_bytes, read_key
from app.ledger.journal.replay import Observer, ReplayedLedger, read_on, replay
from app.ledger.journal.snapshots import resumed
from app.ledger.rules.writers import take_over_fields
from app.ledger.storage.addresses import LedgerPlace, place_text
from app.ledger.storage.places import open_storage
from app.ledger.storage.sql import JournalStorage, StorageError

NEWEST_OBSERVED = 200


def open_journal(
    place: LedgerPlace, key_path: Path, wall_ms: int, observe: Observer
) -> tuple[JournalStorage, Ed25519PrivateKey, Journal]:
    """Open a ledger, or begin one where there is none. Raises `LedgerError`.

    One of an older format is gone on with in the newest: an entry says from where on, and a copy
    of a file as it was is kept beside it. `observe` is told of the newest entries at least.
    """
    store = open_storage(place)
    try:
        key, journal = _read_or_begin(store, place, key_path, wall_ms, observe)
    except LedgerError as error:
        store.close()
        raise LedgerError("ledger.unusable", path=place_text(place), reason=error.fact) from None
    except StorageError as error:
        store.close()
        raise LedgerError("ledger.cannot_open", path=place_text(place), reason=error.fact) from None
    return store, key, journal


def position_of(store: JournalStorage, public_key: bytes, observe: Observer) -> ReplayedLedger:
    """Return where a ledger stands, from its newest snapshot on or from its first entry.

    `public_key` is that of who reads (32 bytes): its own snapshots alone are used. The head is
    checked with the keys that the journal names. Raises `LedgerError`.
    """
    with store.consistent_read():
        position = resumed(store, public_key)
        if position is not None:
            _observe_newest(store, position, observe)
            return read_on(store, position, None, (observe,))
    return replay(store, None, (observe,))


def _observe_newest(store: JournalStorage, position: ReplayedLedger, observe: Observer) -> None:
    """Tell of the newest entries before a position, and of the newest slashes."""
    entries = position.state.entries
    newest = {each.sequence: each for each in store.entries_before(entries + 1, NEWEST_OBSERVED)}
    for entry in store.newest_slashes(NEWEST_OBSERVED):
        if entry.sequence <= entries:
            newest[entry.sequence] = entry
    for sequence in sorted(newest):
        observe(newest[sequence])


def _read_or_begin(
    store: JournalStorage, place: LedgerPlace, key_path: Path, wall_ms: int, observe: Observer
) -> tuple[Ed25519PrivateKey, Journal]:
    if not store.is_empty():
        if not isinstance(place, Path) and not key_path.exists():
            create_key(key_path)
        key = read_key(key_path)
        position = position_of(store, public_bytes(key), observe)
        journal = Journal(store, key, position, observe)
        if public_bytes(key) not in journal.state.writers | {journal.state.host_key}:
            if isinstance(place, Path):
                raise LedgerError("head.other_key")
            raise LedgerError("writer.not_admitted", key=public_bytes(key).hex())
        if journal.state.format < FORMAT_VERSION:
            if isinstance(place, Path):
                _keep_copy(store, place, journal.state.format)
            store.prepare_writing()
            journal.record(EntryKind.FORMAT_RAISED, {"format": FORMAT_VERSION}, wall_ms)
        store.prepare_writing()
        if journal.state.host_key != public_bytes(key) and position.head is not None:
            fields = take_over_fields(position.head, key)
            journal.record(EntryKind.WRITER_CHANGED, fields, wall_ms)
        return key, journal
    key = read_key(key_path) if key_path.exists() else create_key(key_path)
    journal = Journal(store, key, ReplayedLedger(), observe)
    fields = {"format": FORMAT_VERSION, "host_key": public_bytes(key).hex()}
    journal.record(EntryKind.GENESIS, fields, wall_ms)
    store.prepare_writing()
    return key, journal


def _keep_copy(store: JournalStorage, path: Path, number: int) -> None:
    """Copy a file of an older format beside it, once."""
    copy = path.with_name(f"{path.name}.format-{number}")
    if not copy.exists():
        store.back_up(copy)
