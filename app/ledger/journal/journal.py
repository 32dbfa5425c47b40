"""The append-only journal: every entry is checked, chained and committed under a signed head.

Entries that are committed together share one head, over the last of them (group commit, after
DeWitt et al., "Implementation techniques for main memory database systems", 1984).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import LedgerError
from app.ledger.entry import FIRST_PREVIOUS_HASH, Entry, make_entry
from app.ledger.head import SignedHead, sign_head
from app.ledger.journal.frontier import Frontier
from app.ledger.journal.replay import Observer, ReplayedLedger
from app.ledger.journal.snapshot_writer import SnapshotWriter
from app.ledger.merkle import leaf_hash
from app.ledger.rules.state import Change, State
from app.ledger.rules.transitions import change_of
from app.ledger.storage.sql import JournalStorage, StorageError, StoredBatch, StoredSnapshot

Recorded = tuple[Entry, Change]
_log = logging.getLogger("shardloom.ledger")


@dataclass(frozen=True)
class _Batch:
    """Entries that are committed together, with the tree and the head that they lead to."""

    recorded: Sequence[Recorded]
    frontier: Frontier
    head: SignedHead
    snapshot: StoredSnapshot | None
    """Of what entries before these add up to."""


class _Draft:
    """Entries that are not on the disk yet, and the state as they would leave it."""

    def __init__(self, written: State, last: Entry | None) -> None:
        self._written, self._last_written = written, last
        self.state = written.draft()
        self.recorded: list[Recorded] = []

    @property
    def last(self) -> Entry | None:
        return self.recorded[-1][0] if self.recorded else self._last_written

    def take(self, entry: Entry, change: Change) -> None:
        self.state.absorb(change)
        self.recorded.append((entry, change))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Take back what is recorded inside where it raises."""
        kept = len(self.recorded)
        try:
            yield
        except BaseException:
            if len(self.recorded) > kept:
                self._take_back(kept)
            raise

    def _take_back(self, kept: int) -> None:
        """Leave so many entries: the state is made anew of them, as hardly ever happens."""
        del self.recorded[kept:]
        self.state = self._written.draft()
        for _, change in self.recorded:
            self.state.absorb(change)


class Journal:
    """The writing end of a ledger. Used from one thread."""

    def __init__(
        self,
        store: JournalStorage,
        key: Ed25519PrivateKey,
        position: ReplayedLedger,
        observe: Observer,
    ) -> None:
        """`position` is what `store` holds; `observe` is told of every entry once it is written."""
        self._store = store
        self._key = key
        self._position = position
        self._observe = observe
        self._snapshots = SnapshotWriter(key, position.snapshot_entries, position.parts_digest)
        self._draft: _Draft | None = None
        self._doubtful: _Batch | None = None
        """What a failed commit may have written all the same."""

    @property
    def state(self) -> State:
        """What the entries so far add up to, those not yet written among them."""
        return self._position.state if self._draft is None else self._draft.state

    @property
    def written_state(self) -> State:
        """What the entries on the disk add up to."""
        return self._position.state

    @property
    def written_tree(self) -> tuple[int, bytes]:
        """How many entries are on the disk, and the root (32 bytes) over them."""
        return self._position.frontier.size, self._position.frontier.root()

    @property
    def last_kind(self) -> str:
        """The kind of the newest entry, not yet written ones included."""
        last = self._position.last if self._draft is None else self._draft.last
        return last.kind if last else ""

    @property
    def last_hash(self) -> bytes:
        """The hash of the newest entry, not yet written ones included: 32 bytes."""
        last = self._position.last if self._draft is None else self._draft.last
        return last.entry_hash if last else FIRST_PREVIOUS_HASH

    @property
    def last_ms(self) -> int:
        """The date of the newest entry, not yet written ones included, in ms since 1970 UTC."""
        last = self._position.last if self._draft is None else self._draft.last
        return last.wall_ms if last else 0

    def leave_snapshot(self) -> None:
        """Write a snapshot of where the journal stands, so that opening it next reads little.

        Where it cannot be written the log says so: the journal stands as it did.
        """
        try:
            self._resolve_doubt()
            self._write_last_snapshots()
        except (LedgerError, StorageError) as error:
            _log.warning("the ledger is left without a new snapshot: %s", error)

    def _write_last_snapshots(self) -> None:
        last, tree = self._position.last, self._position.frontier
        while last is not None and (snapshot := self._snapshots.last(self._position)):
            head = sign_head(self._key, last.sequence, last.entry_hash, tree.root())
            self._store.append(StoredBatch(entries=(), head=head, snapshot=snapshot))
            self._snapshots.written()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Let the entries recorded inside count together or, where it raises, not at all.

        Inside another it ends like a savepoint: its entries are then the outer one's. The
        outermost commits them, with one head; it raises `LedgerError` where that fails, and
        nothing changed then, or it is not known yet and the next `atomic` finds it out.
        """
        if self._draft is not None:
            with self._draft.savepoint():
                yield
            return
        self._resolve_doubt()
        draft = self._draft = _Draft(self._position.state, self._position.last)
        try:
            yield
        finally:
            self._draft = None
        self._commit(draft.recorded)

    def record(self, kind: str, fields: Mapping[str, Any], wall_ms: int) -> None:
        """Append an entry; outside of `atomic` it is on the disk when this returns.

        Its date is that of the entry before where `wall_ms` (since 1970 UTC) is earlier.
        Raises `LedgerError` where a rule refuses it or it cannot be written; nothing changed then.
        """
        if self._draft is None:
            with self.atomic():
                self.record(kind, fields, wall_ms)
            return
        entry = make_entry(self._draft.last, max(wall_ms, self.last_ms), kind, fields)
        self._draft.take(entry, change_of(self._draft.state, entry))

    def _commit(self, recorded: Sequence[Recorded]) -> None:
        if not recorded:
            return
        batch = self._batch_of(recorded)
        try:
            self._write(batch)
        except StorageError as error:
            self._doubtful = batch
            if not self._resolve_doubt():
                raise _unwritten(error) from error
        else:
            self._accept(batch)

    def _batch_of(self, recorded: Sequence[Recorded]) -> _Batch:
        frontier = self._position.frontier.copy()
        for entry, _ in recorded:
            frontier.append(leaf_hash(entry.entry_hash))
        last = recorded[-1][0]
        head = sign_head(self._key, last.sequence, last.entry_hash, frontier.root())
        snapshot = self._snapshots.due(self._position, len(recorded))
        return _Batch(recorded, frontier, head, snapshot)

    def _write(self, batch: _Batch) -> None:
        balances: dict[str, int] = {}
        formats = [change.format for _, change in batch.recorded if change.format is not None]
        for _, change in batch.recorded:
            balances.update(change.balances)
        self._store.append(
            StoredBatch(
                entries=[entry for entry, _ in batch.recorded],
                head=batch.head,
                transfers=[
                    (entry.sequence, transfer)
                    for entry, change in batch.recorded
                    for transfer in change.transfers
                ],
                balances=balances,
                format=formats[-1] if formats else None,
                snapshot=batch.snapshot,
            )
        )

    def _accept(self, batch: _Batch) -> None:
        if batch.snapshot is not None:
            self._snapshots.written()
        self._position.frontier = batch.frontier
        self._position.last = batch.recorded[-1][0]
        for entry, change in batch.recorded:
            self._position.state.absorb(change)
            self._observe(entry)

    def _resolve_doubt(self) -> bool:
        """Take over what a failed commit wrote all the same; false where it wrote nothing.

        Raises `LedgerError` where the disk does not say: nothing more is written before it does.
        """
        batch = self._doubtful
        if batch is None:
            return False
        try:
            written = self._store.head_after_failure() == batch.head
        except StorageError as error:
            raise _unwritten(error) from error
        self._doubtful = None
        if written:
            self._accept(batch)
        return written


def _unwritten(error: StorageError) -> LedgerError:
    return LedgerError("ledger.unwritten", reason=error.fact)
