"""The journal's Merkle tree at any earlier size, and proofs between two sizes.

Read from the file beside the writer. Roots of perfect subtrees never change, so they are kept: once
read, a proof takes a few hashes whatever the journal's length.
"""

from __future__ import annotations

from typing import Final, Self

from app.ledger.merkle import largest_power_below, leaf_hash, node_hash, root_hash
from app.ledger.storage.addresses import LedgerPlace
from app.ledger.storage.places import open_storage_read_only

_READ_LEAVES: Final = 256
"""Subtrees of so many leaves are read at once; smaller ones are not kept."""


class JournalTree:
    """RFC 6962's tree over the entry hashes of one ledger file. Not for two threads at once."""

    def __init__(self, path: LedgerPlace) -> None:
        self._path = path
        self._kept: dict[tuple[int, int], bytes] = {}
        """By first leaf and length, the roots of perfect subtrees."""

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` >= 1 entries. Raises `LedgerError`."""
        with _EntryHashReader(self._path) as reader:
            return self._range_root(reader, 0, size)

    def consistency_proof(self, old_size: int, size: int) -> list[bytes]:
        """Return the proof that the first entries are a prefix (RFC 6962, section 2.1.2).

        `1 <= old_size <= size`, both at most the number of entries. Raises `LedgerError`.
        """
        with _EntryHashReader(self._path) as reader:
            return self._subproof(reader, old_size, 0, size, whole=True)

    def _subproof(
        self, reader: _EntryHashReader, old_end: int, start: int, end: int, *, whole: bool
    ) -> list[bytes]:
        if old_end == end:
            return [] if whole else [self._range_root(reader, start, end)]
        middle = start + largest_power_below(end - start)
        if old_end <= middle:
            inner = self._subproof(reader, old_end, start, middle, whole=whole)
            return [*inner, self._range_root(reader, middle, end)]
        inner = self._subproof(reader, old_end, middle, end, whole=False)
        return [*inner, self._range_root(reader, start, middle)]

    def _range_root(self, reader: _EntryHashReader, start: int, end: int) -> bytes:
        length = end - start
        if length < _READ_LEAVES:
            return root_hash(reader.leaves(start, end))
        perfect = length & (length - 1) == 0
        if perfect and (start, length) in self._kept:
            return self._kept[start, length]
        if length == _READ_LEAVES:
            root = root_hash(reader.leaves(start, end))
        else:
            middle = start + largest_power_below(length)
            left = self._range_root(reader, start, middle)
            root = node_hash(left, self._range_root(reader, middle, end))
        if perfect:
            self._kept[start, length] = root
        return root


class _EntryHashReader:
    """The entry hashes of a ledger, at one moment."""

    def __init__(self, path: LedgerPlace) -> None:
        self._store = open_storage_read_only(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Return the leaf hashes from `start`, counted from 0, to before `end`."""
        return [leaf_hash(each) for each in self._store.entry_hashes(start, end)]
