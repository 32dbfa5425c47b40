"""Proofs that some leaves are in a tree of RFC 6962, all of them by one list of hashes.

The list holds what is missing to get from the leaves to the root, from left to right: the roots of
the largest subtrees without a wanted leaf.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from workers.errors import ReceiptError
from workers.identity.merkle import are_hashes, node_hash, root_hash


def prove_leaves(leaf_hashes: Sequence[bytes], wanted: Sequence[int]) -> list[bytes]:
    """Return the proof for leaves, each within the tree; they may come in any order."""
    return list(_missing(leaf_hashes, 0, len(leaf_hashes), sorted(set(wanted))))


def root_of_leaves(count: int, opened: Mapping[int, bytes], proof: Sequence[bytes]) -> bytes:
    """Return the root of a tree of `count` leaves, of which some are `opened`, by index.

    Raises `ReceiptError` where the proof is not of just these leaves.
    """
    wanted = sorted(opened)
    if not wanted or wanted[0] < 0 or wanted[-1] >= count:
        raise ReceiptError("states.opened_otherwise")
    if not are_hashes(*opened.values(), *proof):
        raise ReceiptError("states.opened_otherwise")
    rest = iter(proof)
    root = _root(0, count, wanted, opened, rest)
    if next(rest, None) is not None:
        raise ReceiptError("states.opened_otherwise")
    return root


def _missing(
    leaf_hashes: Sequence[bytes], first: int, end: int, wanted: Sequence[int]
) -> Iterator[bytes]:
    if not wanted:
        yield root_hash(leaf_hashes[first:end])
    elif end - first > 1:
        middle = _middle(first, end)
        yield from _missing(leaf_hashes, first, middle, [each for each in wanted if each < middle])
        yield from _missing(leaf_hashes, middle, end, [each for each in wanted if each >= middle])


def _root(
    first: int, end: int, wanted: Sequence[int], opened: Mapping[int, bytes], rest: Iterator[bytes]
) -> bytes:
    if not wanted:
        missing = next(rest, None)
        if missing is None:
            raise ReceiptError("states.opened_otherwise")
        return missing
    if end - first == 1:
        return opened[first]
    middle = _middle(first, end)
    left = _root(first, middle, [each for each in wanted if each < middle], opened, rest)
    right = _root(middle, end, [each for each in wanted if each >= middle], opened, rest)
    return node_hash(left, right)


def _middle(first: int, end: int) -> int:
    """Return where a subtree divides: its left half is the largest power of two below its size."""
    return first + (1 << (end - first - 1).bit_length() - 1)
