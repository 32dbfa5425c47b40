"""What a phone has signed, on its disk before the signature leaves it: one line a receipt.

The number of the next receipt, the hash of the last and the ids signed for are read from it, so
that neither a restart nor a power cut makes a phone sign an id twice. A line that a power cut tore
was never signed and is dropped; damage anywhere else stops the phone from signing.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from workers.errors import IdentityError, RequestRefusedError
from workers.whole_file import replace_file

MOST_REMEMBERED: Final = 1 << 16
"""So many ids at least; twice as many are kept at most. An older id signed again would be a receipt
with another nonce, which contradicts nothing."""
_ID_BYTES: Final = 16
_HASH_BYTES: Final = 32
_NUMBER_BYTES: Final = 8
_CHECKED_BYTES: Final = _NUMBER_BYTES + _ID_BYTES + _HASH_BYTES
_LINE_BYTES: Final = _CHECKED_BYTES + 4


@dataclass(frozen=True)
class SignedLine:
    """A receipt's number, whose transaction it is, and the SHA-256 of its canonical bytes."""

    number: int
    identifier: bytes
    digest: bytes

    def packed(self) -> bytes:
        """Return the line as it is on the disk."""
        data = self.number.to_bytes(_NUMBER_BYTES, "big") + self.identifier + self.digest
        return data + zlib.crc32(data).to_bytes(4, "big")


@dataclass
class SignedMemory:
    """What is known of receipts signed so far."""

    number: int = 0
    previous: str = ""
    """SHA-256 of the newest receipt; empty before the first."""
    identifiers: set[bytes] = field(default_factory=set)

    def take(self, line: SignedLine) -> None:
        """Take in the next line."""
        self.number = line.number
        self.previous = line.digest.hex() if any(line.digest) else ""
        self.identifiers.add(line.identifier)

    def has(self, transaction: str) -> bool:
        """Tell whether a receipt of that transaction was signed."""
        return _identifier(transaction) in self.identifiers

    def next_line(self, transaction: str, data: bytes) -> SignedLine:
        """Return the line for a receipt. Raises `RequestRefusedError` for an id signed before."""
        if self.has(transaction):
            raise RequestRefusedError("transaction.signed_already", transaction=transaction)
        return SignedLine(self.number + 1, _identifier(transaction), hashlib.sha256(data).digest())


class SignedLog:
    """The file; several processes may hold it, one writes at a time."""

    def __init__(self, path: Path) -> None:
        """Read what is there; `begin` makes a new one."""
        self._path = path
        self._memory = SignedMemory()
        self._read_bytes = 0
        self._inode = 0

    @staticmethod
    def beginning(number: int) -> bytes:
        """Return the content of a log for a phone that has signed so many receipts before."""
        return SignedLine(number, bytes(_ID_BYTES), bytes(_HASH_BYTES)).packed()

    def memory(self) -> SignedMemory:
        """Return what was signed. Raises `IdentityError` where that cannot be read."""
        with self._opened() as file:
            self._read_on(file)
        return self._memory

    def append(self, line: SignedLine) -> None:
        """Note a receipt, on the disk once this returns.

        Raises `IdentityError` for one that does not follow the newest, or where the disk fails.
        """
        with self._opened() as file:
            self._read_on(file)
            if line.number != self._memory.number + 1:
                raise IdentityError("identity.number_taken")
            file.seek(self._read_bytes)
            file.truncate()
            file.write(line.packed())
            file.flush()
            os.fsync(file.fileno())
            self._read_bytes += _LINE_BYTES
            self._memory.take(line)
        if self._read_bytes > 2 * MOST_REMEMBERED * _LINE_BYTES:
            self._forget_oldest()

    def _opened(self) -> IO[bytes]:
        try:
            file = self._path.open("r+b")
        except OSError:
            raise IdentityError("identity.without_number") from None
        _lock(file)
        if os.fstat(file.fileno()).st_ino != self._path.stat().st_ino:  # shortened meanwhile
            file.close()
            return self._opened()
        return file

    def _read_on(self, file: IO[bytes]) -> None:
        inode = os.fstat(file.fileno()).st_ino
        if inode != self._inode:
            self._memory, self._read_bytes, self._inode = SignedMemory(), 0, inode
        file.seek(self._read_bytes)
        for line in _lines(file.read(), self._memory.number, first=self._read_bytes == 0):
            self._memory.take(line)
            self._read_bytes += _LINE_BYTES

    def _forget_oldest(self) -> None:
        with self._opened() as file:
            file.seek(-MOST_REMEMBERED * _LINE_BYTES, os.SEEK_END)
            replace_file(self._path, file.read())


def _lines(data: bytes, number: int, *, first: bool) -> Iterator[SignedLine]:
    """Yield the lines of a part of the log. Raises `IdentityError` where one is damaged.

    The last may be torn: it counts for nothing then, as its receipt was not signed yet.
    """
    for start in range(0, len(data), _LINE_BYTES):
        line = _line(data[start : start + _LINE_BYTES])
        follows = line is not None and (first or line.number == number + 1)
        if line is None or not follows:
            if start + _LINE_BYTES >= len(data) and not first:
                return
            raise IdentityError("identity.number_damaged")
        yield line
        number, first = line.number, False
    if first:
        raise IdentityError("identity.number_damaged")


def _line(packed: bytes) -> SignedLine | None:
    data, check = packed[:_CHECKED_BYTES], packed[_CHECKED_BYTES:]
    if len(packed) != _LINE_BYTES or zlib.crc32(data).to_bytes(4, "big") != check:
        return None
    end = _NUMBER_BYTES + _ID_BYTES
    return SignedLine(
        int.from_bytes(data[:_NUMBER_BYTES], "big"), data[_NUMBER_BYTES:end], data[end:]
    )


def _identifier(transaction: str) -> bytes:
    return hashlib.sha256(transaction.encode()).digest()[:_ID_BYTES]


def _lock(file: IO[bytes]) -> None:
    """Wait until no other process has the file. Phones are Linux; who only checks need not be."""
    import fcntl  # noqa: PLC0415 - not on every system

    fcntl.flock(file, fcntl.LOCK_EX)
