"""Records on the phone's disk: one file that is appended to, and written anew as dead ones mount.

An entry is its length, a checksum and the record's bytes. One that a power cut tore was never
acknowledged and is cut off; an entry damaged in the midst is passed over, as the other keepers of
it give it again.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from workers.errors import ReceiptError
from workers.protocol.between_phones.replica_messages import MAXIMUM_PACKED_BYTES
from workers.replicas.records import SignedRecord

MOST_DEAD_BYTES: Final = 1 << 20
_HEAD: Final = struct.Struct(">II")


class RecordFile:
    """The records of one ledger. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make one. Raises `OSError`."""
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._places: dict[bytes, tuple[int, int]] = {}
        self._live_bytes = self._end = 0
        self._dirty = False
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._found = list(self._scanned())

    @property
    def size_bytes(self) -> int:
        """How much lies in the file, dead records among it."""
        return self._end

    @property
    def live_bytes(self) -> int:
        """How much of it records take that were not dropped."""
        return self._live_bytes

    def records(self) -> Sequence[SignedRecord]:
        """Return all records that were there when the file was opened, once."""
        found, self._found = self._found, []
        return found

    def add(self, record: SignedRecord) -> None:
        """Append a record. Raises `OSError`; the file is then as it was."""
        entry = _HEAD.pack(len(record.packed), zlib.crc32(record.packed)) + record.packed
        written = 0
        while written < len(entry):
            written += os.pwrite(self._file, entry[written:], self._end + written)
        self._places[record.digest] = self._end + _HEAD.size, len(record.packed)
        self._end += len(entry)
        self._live_bytes += len(entry)
        self._dirty = True

    def read(self, digest: bytes) -> bytes:
        """Return a record's bytes. Raises `OSError`."""
        place, size = self._places[digest]
        return os.pread(self._file, size, place)

    def drop(self, digest: bytes) -> None:
        """Let go of a record."""
        _, size = self._places.pop(digest)
        self._live_bytes -= _HEAD.size + size

    def sync(self) -> None:
        """Put on the disk what was added, and write the file anew where much is dead.

        Raises `OSError`.
        """
        if self._end > 2 * self._live_bytes + MOST_DEAD_BYTES:
            self._write_anew()
        elif self._dirty:
            os.fdatasync(self._file)
        self._dirty = False

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write_anew(self) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        fresh.unlink(missing_ok=True)
        places, end = {}, 0
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for digest, (place, size) in self._places.items():
                entry = os.pread(self._file, size + _HEAD.size, place - _HEAD.size)
                file.write(entry)
                places[digest] = end + _HEAD.size, size
                end += len(entry)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        os.close(self._file)
        self._file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        self._places, self._end, self._live_bytes = places, end, end

    def _scanned(self) -> Iterator[SignedRecord]:
        size = os.fstat(self._file).st_size
        while self._end + _HEAD.size <= size:
            length, checksum = _HEAD.unpack(os.pread(self._file, _HEAD.size, self._end))
            place = self._end + _HEAD.size
            if not 0 < length <= MAXIMUM_PACKED_BYTES or place + length > size:
                break
            packed = os.pread(self._file, length, place)
            record = _read(packed) if zlib.crc32(packed) == checksum else None
            self._end = place + length
            if record is not None and record.digest not in self._places:
                self._places[record.digest] = place, length
                self._live_bytes += _HEAD.size + length
                yield record
        os.ftruncate(self._file, self._end)


def _read(packed: bytes) -> SignedRecord | None:
    try:
        return SignedRecord.read(packed, checked=False)
    except ReceiptError:
        return None
