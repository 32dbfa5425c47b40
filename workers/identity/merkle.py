"""Merkle tree hashes of RFC 6962, section 2.1, with SHA-256, and proofs of RFC 9162, 2.1.4."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from hmac import compare_digest

_LEAF_PREFIX = b"\x00"
_NODE_PREFIX = b"\x01"
HASH_BYTES = 32


def leaf_hash(data: bytes | memoryview) -> bytes:
    """Return the 32-byte hash of a leaf; the prefix keeps leaves and nodes apart."""
    digest = hashlib.sha256(_LEAF_PREFIX)
    digest.update(data)
    return digest.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of an inner node."""
    return hashlib.sha256(_NODE_PREFIX + left + right).digest()


def root_hash(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the tree's root; SHA-256 of nothing for no leaves.

    A last node without a partner moves up unchanged: it is never duplicated (CVE-2012-2459).
    """
    if not leaf_hashes:
        return hashlib.sha256().digest()
    level = list(leaf_hashes)
    while len(level) > 1:
        parents = [
            node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        if len(level) % 2:
            parents.append(level[-1])
        level = parents
    return level[0]


def verify_consistency(
    size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes
) -> bool:
    """Say whether the tree (size1, root1) is a prefix of the tree (size2, root2).

    Roots and the hashes of `proof` are 32 bytes (RFC 9162, section 2.1.4.2). A proof from size 0
    says nothing and is rejected, even from 0 to 0.
    """
    if not 1 <= size1 <= size2 or not are_hashes(root1, root2, *proof):
        return False
    if size1 == size2:
        return not proof and compare_digest(root1, root2)
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
    if len(path) < 2:
        return False
    return _consistent(size1 - 1, size2 - 1, path, root1, root2)


def _consistent(node: int, last: int, path: Sequence[bytes], root1: bytes, root2: bytes) -> bool:
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and compare_digest(old, root1) and compare_digest(new, root2)


def are_hashes(*values: bytes) -> bool:
    """Tell whether all values are 32 bytes."""
    return all(isinstance(value, bytes) and len(value) == HASH_BYTES for value in values)
