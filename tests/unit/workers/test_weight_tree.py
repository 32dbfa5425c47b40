"""Roots over weight files, and what of them digests of shards hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.identity.digests import shard_digest
from workers.identity.merkle import leaf_hash, root_hash
from workers.identity.openings import prove_leaves, root_of_leaves
from workers.identity.weight_tree import (
    WEIGHT_CHUNK_BYTES,
    WeightFile,
    leaf_count,
    weight_leaves,
    weight_root,
)

FILE = WeightFile("a" * 64, 5_000, "b" * 64)


@settings(deadline=None)
@given(size=st.integers(0, 3 * WEIGHT_CHUNK_BYTES + 1), data=st.data())
def test_any_chunk_of_a_file_leads_to_its_root(size: int, data: st.DataObject) -> None:
    content = bytes(number % 251 for number in range(size))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "weights"
        path.write_bytes(content)
        leaves, root = weight_leaves(path), weight_root(path)
    assert len(leaves) == leaf_count(size)
    if not leaves:
        assert root == root_hash([]).hex()
        return
    number = data.draw(st.integers(0, len(leaves) - 1))
    chunk = content[number * WEIGHT_CHUNK_BYTES :][:WEIGHT_CHUNK_BYTES]
    opened = {number: leaf_hash(chunk)}
    assert root_of_leaves(len(leaves), opened, prove_leaves(leaves, [number])).hex() == root


def test_a_file_longer_than_is_read_at_once_has_all_its_leaves(tmp_path: Path) -> None:
    content = bytes(range(256)) * (9 << 10) + b"end"
    (tmp_path / "weights").write_bytes(content)
    chunks = [
        content[first : first + WEIGHT_CHUNK_BYTES]
        for first in range(0, len(content), WEIGHT_CHUNK_BYTES)
    ]
    assert weight_leaves(tmp_path / "weights") == [leaf_hash(chunk) for chunk in chunks]


@pytest.mark.parametrize("other", [{"sha256": "c" * 64}, {"size_bytes": 5_001}, {"root": "c" * 64}])
def test_a_shards_digest_holds_each_file_its_size_and_its_root(
    other: dict[str, str | int],
) -> None:
    changed = replace(FILE, **other)  # type: ignore[arg-type]
    assert shard_digest("9" * 64, [changed]) != shard_digest("9" * 64, [FILE])


def test_a_shards_digest_does_not_depend_on_the_order_of_files() -> None:
    second = replace(FILE, sha256="0" * 64)
    assert shard_digest("9" * 64, [FILE, second]) == shard_digest("9" * 64, [second, FILE])
