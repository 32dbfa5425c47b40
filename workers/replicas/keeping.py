"""All records that a phone keeps of one ledger: shelves in memory, bytes on a disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from workers.protocol.between_phones.replica_messages import ListedRecord
from workers.replicas.records import SignedRecord
from workers.replicas.shelf import Shelf

MOST_BYTES: Final = 64 << 20
"""Of records kept: beyond that nothing of others is taken in; a signer's own quota is far less
(`shelf`). What is dead on the disk does not count, so that it cannot lock others out."""


class RecordDisk(Protocol):
    """Where records lie. What was added is safe once whoever runs the node has synced it."""

    def add(self, record: SignedRecord) -> None:
        """Write a record. Raises `OSError`."""

    def read(self, digest: bytes) -> bytes:
        """Return a record's bytes. Raises `OSError`."""

    def drop(self, digest: bytes) -> None:
        """Let go of a record."""

    @property
    def size_bytes(self) -> int:
        """How much lies there."""

    @property
    def live_bytes(self) -> int:
        """How much of it records take that were not dropped."""

    def records(self) -> Sequence[SignedRecord]:
        """Return all records, as a phone does when it starts. Raises `OSError`."""


class RecordShelves:
    """Shelves by signer."""

    def __init__(self, disk: RecordDisk) -> None:
        self._disk = disk
        self._shelves: dict[bytes, Shelf] = {}
        for record in disk.records():
            self._put_away(record)

    @property
    def signers(self) -> tuple[bytes, ...]:
        """Those of whom anything is kept."""
        return tuple(self._shelves)

    @property
    def size_bytes(self) -> int:
        """How much lies on the disk."""
        return self._disk.size_bytes

    @property
    def live_bytes(self) -> int:
        """How much of that the kept records take."""
        return self._disk.live_bytes

    def __len__(self) -> int:
        """Return how many records are kept."""
        return sum(map(len, self._shelves.values()))

    def shelf(self, signer: bytes) -> Shelf:
        """Return what is kept of a signer: an empty shelf where that is nothing."""
        return self._shelves.get(signer) or Shelf()

    def has(self, signer: bytes, digest: bytes) -> bool:
        """Tell whether a record is kept."""
        shelf = self._shelves.get(signer)
        return shelf is not None and digest in shelf

    def add(self, record: SignedRecord) -> list[bytes]:
        """Keep a record; return those that are kept no longer for it. Raises `OSError`."""
        if self.has(record.signer, record.digest):
            return []
        self._disk.add(record)
        return self._put_away(record)

    def read(self, digest: bytes) -> bytes:
        """Return a kept record's bytes. Raises `OSError`."""
        return self._disk.read(digest)

    def found(self, digests: Sequence[bytes]) -> list[bytes]:
        """Return the bytes of those of the records that are kept. Raises `OSError`."""
        kept = [each for each in digests if any(each in shelf for shelf in self._shelves.values())]
        return [self._disk.read(each) for each in kept]

    def drop(self, signer: bytes, digest: bytes) -> None:
        """Keep a record no longer."""
        shelf = self._shelves[signer]
        shelf.drop(digest)
        if not shelf:
            del self._shelves[signer]
        self._disk.drop(digest)

    def conflicts(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield signer and both records of each contradiction."""
        for signer, shelf in self._shelves.items():
            for one, other in shelf.conflicts:
                yield signer, one, other

    def listed(self, after: ListedRecord | None, most: int) -> list[ListedRecord]:
        """Return the next records in order of signer and digest."""
        found: list[ListedRecord] = []
        for signer in sorted(self._shelves):
            if after is not None and signer < after.signer:
                continue
            listed = (ListedRecord(signer, each) for each in self._shelves[signer].tree.below(""))
            found += [each for each in listed if after is None or each > after]
            if len(found) >= most:
                break
        return found[:most]

    def _put_away(self, record: SignedRecord) -> list[bytes]:
        dropped = self._shelves.setdefault(record.signer, Shelf()).take(record)
        for digest in dropped:
            self._disk.drop(digest)
        return dropped
