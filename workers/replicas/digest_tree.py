"""A Merkle tree over the records of one signer, by the hexadecimal digits of their digests.

Two trees of the same records are equal however they grew; where they differ the way to the
difference is as long as the digits that tell records apart.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from typing import Final

from workers.protocol.between_phones.replica_messages import FAN_OUT, SHORT_HASH_BYTES, TreeNode

_LEAVES_TAG: Final = b"\x00"
_NODE_TAG: Final = b"\x01"
_DIGITS: Final = "0123456789abcdef"
_LONGEST_PREFIX: Final = 63


class DigestTree:
    """The digests, sorted; hashes of nodes are kept until something below them changes."""

    def __init__(self) -> None:
        self._digests: list[str] = []
        self._hashes: dict[str, bytes] = {}

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._digests)

    def add(self, digest: bytes) -> None:
        """Take a record in that is not there yet."""
        insort(self._digests, digest.hex())
        self._forget(digest.hex())

    def remove(self, digest: bytes) -> None:
        """Leave a record out that is there."""
        del self._digests[bisect_left(self._digests, digest.hex())]
        self._forget(digest.hex())

    @property
    def root(self) -> bytes:
        """The hash (32 bytes) over all records."""
        return self.hash_of("")

    def hash_of(self, prefix: str) -> bytes:
        """Return the hash over the records whose digests begin so.

        Kept for nodes with children alone: others ask for whatever prefix they like.
        """
        known = self._hashes.get(prefix)
        if known is not None:
            return known
        first, end = self._range(prefix)
        if end - first <= FAN_OUT:
            leaves = b"".join(bytes.fromhex(each) for each in self._digests[first:end])
            return hashlib.sha256(_LEAVES_TAG + leaves).digest()
        children = b"".join(self.hash_of(prefix + each) for each in _DIGITS)
        self._hashes[prefix] = hashlib.sha256(_NODE_TAG + children).digest()
        return self._hashes[prefix]

    def below(self, prefix: str) -> list[bytes]:
        """Return the records whose digests begin so."""
        first, end = self._range(prefix)
        return [bytes.fromhex(each) for each in self._digests[first:end]]

    def node(self, prefix: str) -> TreeNode:
        """Return a node as it is told to others."""
        first, end = self._range(prefix)
        if end - first <= FAN_OUT or len(prefix) == _LONGEST_PREFIX:
            return TreeNode(prefix, True, tuple(self.below(prefix)[:FAN_OUT]))
        children = tuple(self.hash_of(prefix + each)[:SHORT_HASH_BYTES] for each in _DIGITS)
        return TreeNode(prefix, False, children)

    def differing(self, node: TreeNode) -> list[str]:
        """Return the prefixes of the children in which another tree's node differs from this.

        A node of the longest prefix has none: honest ones name their records.
        """
        if len(node.prefix) == _LONGEST_PREFIX:
            return []
        return [
            node.prefix + digit
            for digit, told in zip(_DIGITS, node.hashes, strict=False)
            if self.hash_of(node.prefix + digit)[:SHORT_HASH_BYTES] != told
        ]

    def _range(self, prefix: str) -> tuple[int, int]:
        first = bisect_left(self._digests, prefix)
        return first, bisect_left(self._digests, f"{prefix}g", first)

    def _forget(self, digest: str) -> None:
        for length in range(_LONGEST_PREFIX + 1):
            self._hashes.pop(digest[:length], None)
