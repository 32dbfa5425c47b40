from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger.merkle_vectors import LEAVES, ROOTS
from workers.identity.merkle import leaf_hash, node_hash, root_hash


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    assert root_hash([leaf_hash(leaf) for leaf in LEAVES[:size]]).hex() == ROOTS[size - 1]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert root_hash([]) == hashlib.sha256(b"").digest()


def _recursive_root(leaves: list[bytes]) -> bytes:
    """Follow RFC 6962, section 2.1, word by word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(_recursive_root(leaves[:split]), _recursive_root(leaves[split:]))


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70))
def test_any_size_equals_the_recursive_definition(contents: list[bytes]) -> None:
    leaves = [leaf_hash(content) for content in contents]
    assert root_hash(leaves) == _recursive_root(leaves)


def test_leaves_and_nodes_cannot_stand_for_each_other() -> None:
    left, right = leaf_hash(b"left"), leaf_hash(b"right")
    assert leaf_hash(left + right) != node_hash(left, right)


def test_a_repeated_last_leaf_changes_the_root() -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(3)]
    assert root_hash(leaves) != root_hash([*leaves, leaves[-1]])
