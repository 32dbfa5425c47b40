from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import BadInputError, HashMismatchError, ShardloomError
from app.core.identifiers import BlobHash
from app.core.model import Blob
from app.models.store import BlobStore
from tests.saying import raises_saying


@settings(deadline=None)
@given(chunks=st.lists(st.binary(max_size=200), max_size=8))
def test_a_blob_is_named_by_the_hash_of_all_its_chunks(chunks: list[bytes]) -> None:
    content = b"".join(chunks)
    with TemporaryDirectory() as folder:
        store = BlobStore(Path(folder))
        blob = store.put(chunks)
        assert blob == Blob(BlobHash(hashlib.sha256(content).hexdigest()), len(content))
        assert store.path(blob.sha256).read_bytes() == content
        assert store.has(blob)
        store.verify(blob)


@settings(deadline=None)
@given(content=st.binary(min_size=1, max_size=64), data=st.data())
def test_any_flipped_bit_is_found(content: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(content) - 1))
    bit = data.draw(st.integers(0, 7))
    with TemporaryDirectory() as folder:
        store = BlobStore(Path(folder))
        blob = store.put_bytes(content)
        damaged = bytearray(content)
        damaged[position] ^= 1 << bit
        store.path(blob.sha256).write_bytes(damaged)
        with raises_saying(HashMismatchError, match="damaged"):
            store.verify(blob)
        assert store.put_bytes(content) == blob
        store.verify(blob)


def test_a_short_or_missing_blob_is_not_here(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    blob = store.put([b"weights"])
    store.path(blob.sha256).write_bytes(b"weight")
    assert not store.has(blob)
    with raises_saying(HashMismatchError, match="missing or cut short"):
        store.verify(blob)
    store.path(blob.sha256).unlink()
    assert not store.has(blob)


def test_a_write_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"first half"
        raise RuntimeError("power cut")

    store = BlobStore(tmp_path)
    with pytest.raises(RuntimeError, match="power cut"):
        store.put(breaking())
    assert list(tmp_path.iterdir()) == []


def test_only_old_remains_of_dead_writers_are_discarded(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    blob = store.put([b"weights"])
    old, fresh = tmp_path / "partial-old", tmp_path / "partial-fresh"
    for path in (old, fresh):
        path.write_bytes(b"half")
    for path in (old, store.path(blob.sha256)):
        os.utime(path, (1_000_000, 1_000_000))
    store.discard_abandoned()
    assert not old.exists()
    assert fresh.exists()
    store.verify(blob)


def test_a_disk_that_refuses_gives_one_plain_line(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "store")
    (tmp_path / "store").rmdir()
    with raises_saying(ShardloomError, match="Cannot write to"):
        store.put([b"x"])


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "/x"])
def test_only_hashes_become_paths(tmp_path: Path, name: str) -> None:
    with raises_saying(BadInputError, match="not a SHA-256"):
        BlobStore(tmp_path).path(BlobHash(name))
