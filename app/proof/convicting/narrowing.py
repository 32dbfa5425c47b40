"""Fewer leaves of what was opened, with the proof for just these."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workers.errors import ReceiptError
from workers.identity.merkle import node_hash
from workers.identity.openings import root_of_leaves


def narrowed_proof(
    count: int, opened: Mapping[int, bytes], proof: Sequence[bytes], wanted: Collection[int]
) -> list[bytes]:
    """Return what leads from the `wanted` leaves to the root of a tree of `count` leaves.

    `opened` holds the hashes of leaves that a `proof` is for, the wanted ones among them.
    Raises `ReceiptError` where the proof is not of just the opened leaves.
    """
    root_of_leaves(count, opened, proof)
    if not opened.keys() >= set(wanted):
        raise ReceiptError("states.opened_otherwise")
    tree = _Tree(opened, frozenset(wanted), iter(proof))
    return list(tree.visit(0, count, sorted(opened)).missing)


@dataclass(frozen=True)
class _Subtree:
    root: bytes
    missing: tuple[bytes, ...]
    """What leads from the wanted leaves in it to its root."""


@dataclass(frozen=True)
class _Tree:
    opened: Mapping[int, bytes]
    wanted: frozenset[int]
    rest: Iterator[bytes]

    def visit(self, first: int, end: int, here: Sequence[int]) -> _Subtree:
        """Go through the leaves from first to end, of which those `here` were opened."""
        root, missing = self._inner(first, end, here) if here else (next(self.rest), ())
        if self.wanted.isdisjoint(here):
            return _Subtree(root, (root,))
        return _Subtree(root, missing)

    def _inner(self, first: int, end: int, here: Sequence[int]) -> tuple[bytes, tuple[bytes, ...]]:
        if end - first == 1:
            return self.opened[first], ()
        middle = first + (1 << (end - first - 1).bit_length() - 1)
        split = bisect_left(here, middle)
        left = self.visit(first, middle, here[:split])
        right = self.visit(middle, end, here[split:])
        return node_hash(left.root, right.root), (*left.missing, *right.missing)
