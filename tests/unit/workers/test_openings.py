"""Proofs that leaves are in a tree, many at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import ReceiptError
from workers.identity.merkle import leaf_hash, root_hash
from workers.identity.openings import prove_leaves, root_of_leaves


def tree(count: int) -> list[bytes]:
    return [leaf_hash(bytes([number])) for number in range(count)]


@given(
    st.integers(1, 70).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1))
    )
)
def test_any_leaves_lead_to_the_root(drawn: tuple[int, set[int]]) -> None:
    count, wanted = drawn
    leaves = tree(count)
    proof = prove_leaves(leaves, [*wanted])
    assert root_of_leaves(count, {each: leaves[each] for each in wanted}, proof) == root_hash(
        leaves
    )


@given(st.integers(2, 70), st.data())
def test_nothing_else_leads_there(count: int, data: st.DataObject) -> None:
    leaves = tree(count)
    wanted = data.draw(st.sets(st.integers(0, count - 1), min_size=1))
    proof = prove_leaves(leaves, [*wanted])
    opened = {each: leaves[each] for each in wanted}
    changed = {**opened, min(wanted): leaf_hash(b"another")}
    assert root_of_leaves(count, changed, proof) != root_hash(leaves)
    for wrong in ([*proof, bytes(32)], [*proof, b"short"], proof[:-1] if proof else [b""]):
        with pytest.raises(ReceiptError):
            root_of_leaves(count, opened, wrong)


@pytest.mark.parametrize("index", [-1, 5])
def test_a_leaf_beyond_the_tree_is_refused(index: int) -> None:
    with pytest.raises(ReceiptError):
        root_of_leaves(5, {index: bytes(32)}, [])


def test_nothing_opened_proves_nothing() -> None:
    with pytest.raises(ReceiptError):
        root_of_leaves(5, {}, [root_hash(tree(5))])
