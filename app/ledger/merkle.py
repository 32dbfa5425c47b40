"""RFC 6962 Merkle trees: inclusion and consistency proofs over leaf hashes, SHA-256.

Trees are built by `workers.identity.merkle`; verification follows RFC 9162, sections 2.1.3.2 and
2.1.4.2. Every hash is 32 bytes. Verification answers False for anything malformed and never raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest

from workers.identity.merkle import leaf_hash, node_hash, root_hash

__all__ = [
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root_hash",
    "verify_consistency",
    "verify_inclusion",
]

_HASH_BYTES = 32


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of one leaf, nearest sibling first (RFC 6962, section 2.1.1).

    Raises `IndexError` where the tree has no such leaf.
    """
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(f"the tree has {len(leaf_hashes)} leaves, no leaf {index}")
    if len(leaf_hashes) == 1:
        return []
    split = _split(len(leaf_hashes))
    left, right = leaf_hashes[:split], leaf_hashes[split:]
    if index < split:
        return [*inclusion_proof(left, index), root_hash(right)]
    return [*inclusion_proof(right, index - split), root_hash(left)]


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Say whether a leaf is at `index` of the tree of `size` leaves with that root."""
    if not 0 <= index < size or not _are_hashes(leaf_hash, root, *proof):
        return False
    node, last, computed = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and compare_digest(computed, root)


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the first `old_size` leaves are a prefix (RFC 6962, section 2.1.2).

    Raises `IndexError` unless 1 <= old_size <= number of leaves.
    """
    if not 1 <= old_size <= len(leaf_hashes):
        raise IndexError(f"the tree has {len(leaf_hashes)} leaves, no prefix of {old_size}")
    return _subproof(leaf_hashes, old_size, whole=True)


def verify_consistency(
    size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes
) -> bool:
    """Say whether the tree (size1, root1) is a prefix of the tree (size2, root2).

    A proof from size 0 says nothing and is rejected, even from 0 to 0.
    """
    if not 1 <= size1 <= size2 or not _are_hashes(root1, root2, *proof):
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


def _subproof(leaf_hashes: Sequence[bytes], old_size: int, *, whole: bool) -> list[bytes]:
    if old_size == len(leaf_hashes):
        return [] if whole else [root_hash(leaf_hashes)]
    split = _split(len(leaf_hashes))
    left, right = leaf_hashes[:split], leaf_hashes[split:]
    if old_size <= split:
        return [*_subproof(left, old_size, whole=whole), root_hash(right)]
    return [*_subproof(right, old_size - split, whole=False), root_hash(left)]


def _split(size: int) -> int:
    """Return the largest power of two below `size` (size >= 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _are_hashes(*values: bytes) -> bool:
    return all(isinstance(value, bytes) and len(value) == _HASH_BYTES for value in values)
