"""Merkle trees over weight files: a few rows of a matrix can be shown without the file.

A leaf is 4,096 bytes of the file, the last one less. Tensors begin at such boundaries
(`app.models.tensors`), so that a row is in one leaf or in some that follow each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.identity.merkle import leaf_hash, root_hash

WEIGHT_CHUNK_BYTES: Final = 4096
_READ_AT_ONCE: Final = 1 << 20


@dataclass(frozen=True)
class WeightFile:
    """A weight file as receipts commit to it; hashes are lower-case hexadecimal."""

    sha256: str
    size_bytes: int
    root: str
    """Of the tree over its bytes (RFC 6962)."""


def weight_leaves(path: Path) -> list[bytes]:
    """Return the leaf hashes of a file, read a megabyte at a time. Raises `OSError`."""
    return list(_leaves(path))


def weight_root(path: Path) -> str:
    """Return the root over a file, hexadecimal. Raises `OSError`."""
    return root_hash(weight_leaves(path)).hex()


def leaf_count(size_bytes: int) -> int:
    """Return how many leaves a file of that size has."""
    return -(-size_bytes // WEIGHT_CHUNK_BYTES)


def _leaves(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_READ_AT_ONCE):
            for first in range(0, len(piece), WEIGHT_CHUNK_BYTES):
                yield leaf_hash(piece[first : first + WEIGHT_CHUNK_BYTES])
