"""RFC 6962 Merkle trees: inclusion and consistency proofs over leaf hashes, SHA-256.

Trees are built by `workers.identity.merkle`; verification follows RFC 9162, sections 2.1.3.2 and
2.1.4.2. Every hash is 32 bytes. Verification answers False for anything malformed and never raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest

from workers.identity.merkle import (
    are_hashes,
    leaf_hash,
    node_hash,
    root_hash,
    verify_consistency,
)

__all__ = [
    "consistency_proof",
    "inclusion_proof",
    "largest_power_below",
    "leaf_hash",
    "node_hash",
    "root_hash",
    "verify_consistency",
    "verify_inclusion",
]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of one leaf, nearest sibling first (RFC 6962, section 2.1.1).

    Raises `IndexError` where the tree has no such leaf.
    """
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(index)
    if len(leaf_hashes) == 1:
        return []
    split = largest_power_below(len(leaf_hashes))
    left, right = leaf_hashes[:split], leaf_hashes[split:]
    if index < split:
        return [*inclusion_proof(left, index), root_hash(right)]
    return [*inclusion_proof(right, index - split), root_hash(left)]


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Say whether a leaf is at `index` of the tree of `size` leaves with that root.

    `proof` is the path of `inclusion_proof`; all hashes are 32 bytes (RFC 9162, section 2.1.3.2).
    """
    if not 0 <= index < size or not are_hashes(leaf_hash, root, *proof):
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
        raise IndexError(old_size)
    return _subproof(leaf_hashes, old_size, whole=True)


def _subproof(leaf_hashes: Sequence[bytes], old_size: int, *, whole: bool) -> list[bytes]:
    if old_size == len(leaf_hashes):
        return [] if whole else [root_hash(leaf_hashes)]
    split = largest_power_below(len(leaf_hashes))
    left, right = leaf_hashes[:split], leaf_hashes[split:]
    if old_size <= split:
        return [*_subproof(left, old_size, whole=whole), root_hash(right)]
    return [*_subproof(right, old_size - split, whole=False), root_hash(left)]


def largest_power_below(size: int) -> int:
    """Return the largest power of two below `size` (size >= 2): where RFC 6962 splits a tree."""
    return 1 << ((size - 1).bit_length() - 1)
