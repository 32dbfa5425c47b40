"""RFC 6962 trees: known roots, proofs that hold, and proofs that must not."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.frontier import Frontier
from app.ledger.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)

# The test vectors of Google's certificate-transparency sources (merkle tree tests).
VECTORS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(index.to_bytes(4, "big")) for index in range(size)]


def test_roots_are_those_of_the_published_vectors() -> None:
    hashes = [leaf_hash(data) for data in VECTORS]
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
