"""RFC 6962 trees: known roots, proofs that hold, and proofs that must not."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.journal.frontier import Frontier
from app.ledger.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.ledger.merkle_vectors import LEAVES, ROOTS


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(index.to_bytes(4, "big")) for index in range(size)]


def test_roots_are_those_of_the_published_vectors() -> None:
    hashes = [leaf_hash(data) for data in LEAVES]
    assert [root_hash(hashes[: size + 1]).hex() for size in range(8)] == ROOTS
    assert root_hash([]) == hashlib.sha256().digest()


@pytest.mark.parametrize("size", range(1, 40))
def test_every_leaf_has_a_proof_that_holds_for_it_alone(size: int) -> None:
    hashes = leaves(size)
    root = root_hash(hashes)
    for index in range(size):
        proof = inclusion_proof(hashes, index)
        assert verify_inclusion(hashes[index], index, size, proof, root)
        assert not verify_inclusion(hashes[index], index + 1, size, proof, root)
        assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, root)
        assert not verify_inclusion(hashes[index], index, size, [*proof, root], root)
        assert size == 1 or not verify_inclusion(hashes[index], index, size, proof[:-1], root)


@pytest.mark.parametrize("size", range(1, 33))
def test_every_prefix_has_a_proof_that_holds_for_it_alone(size: int) -> None:
    hashes = leaves(size)
    root = root_hash(hashes)
    for old in range(1, size + 1):
        proof, old_root = consistency_proof(hashes, old), root_hash(hashes[:old])
        assert verify_consistency(old, size, proof, old_root, root)
        assert not verify_consistency(old, size, proof, leaf_hash(b"forged"), root)
        assert not verify_consistency(old, size, proof, old_root, leaf_hash(b"forged"))
        assert not verify_consistency(old, size, [*proof, root], old_root, root)
        assert not proof or not verify_consistency(old, size, proof[:-1], old_root, root)


def test_a_proof_from_size_zero_is_rejected() -> None:
    empty = root_hash([])
    assert not verify_consistency(0, 0, [], empty, empty)
    assert not verify_consistency(0, 3, [], empty, root_hash(leaves(3)))
    assert not verify_consistency(3, 2, [], root_hash(leaves(3)), root_hash(leaves(2)))


def test_a_leaf_cannot_pass_for_an_inner_node() -> None:
    hashes = leaves(4)
    inner = root_hash(hashes[:2])
    assert not verify_inclusion(leaf_hash(b"".join(hashes[:2])), 0, 2, [], root_hash(hashes))
    assert not verify_inclusion(inner, 0, 4, inclusion_proof(hashes, 0), root_hash(hashes))


def test_a_duplicated_last_leaf_changes_the_root() -> None:
    hashes = leaves(3)
    assert root_hash(hashes) != root_hash([*hashes, hashes[-1]])


@given(st.integers(1, 64), st.data())
def test_a_changed_proof_byte_is_noticed(size: int, data: st.DataObject) -> None:
    hashes = leaves(size + 1)
    index = data.draw(st.integers(0, size))
    proof = inclusion_proof(hashes, index)
    place = data.draw(st.integers(0, len(proof) - 1))
    changed = bytearray(proof[place])
    changed[data.draw(st.integers(0, 31))] ^= data.draw(st.integers(1, 255))
    proof[place] = bytes(changed)
    assert not verify_inclusion(hashes[index], index, size + 1, proof, root_hash(hashes))


@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(-2, 9), st.integers(-2, 9))
def test_malformed_proofs_are_false_and_never_raise(
    proof: list[bytes], one: int, other: int
) -> None:
    root = root_hash(leaves(5))
    assert not verify_inclusion(leaf_hash(b"absent"), one, other, proof, root)
    assert one == other or not verify_consistency(one, other, proof, leaf_hash(b"absent"), root)


def test_the_frontier_has_the_root_of_the_whole_tree_at_every_size() -> None:
    frontier, hashes = Frontier(), leaves(70)
    assert frontier.root() == root_hash([])
    for size, leaf in enumerate(hashes, start=1):
        frontier.append(leaf)
        assert (frontier.size, frontier.root()) == (size, root_hash(hashes[:size]))


def test_proofs_of_leaves_that_are_not_there_are_refused() -> None:
    with pytest.raises(IndexError):
        inclusion_proof(leaves(3), 3)
    with pytest.raises(IndexError):
        consistency_proof(leaves(3), 0)
