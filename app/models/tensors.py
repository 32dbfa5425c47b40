"""Tensors inside blobs: each blob is a row of tensors at page-aligned offsets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.identifiers import BlobHash
from app.core.model import Blob
from app.models.store import BlobStore

ALIGNMENT_BYTES = 4096
"""Offsets are multiples of the page size, so that a runtime can map a tensor into memory."""
CODES_SUFFIX = ".codes"
SCALES_SUFFIX = ".scales"
BIAS_SUFFIX = ".bias"
"""A matrix named `x` is stored as `x` or as `x.codes` with `x.scales`; its bias as `x.bias`."""


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor's raw little-endian bytes lie. `element` is `float32` or `uint8`."""

    name: str
    blob: BlobHash
    element: str
    shape: tuple[int, ...]
    offset_bytes: int

    @property
    def size_bytes(self) -> int:
        """Length of the tensor's bytes."""
        return math.prod(self.shape) * np.dtype(self.element).itemsize


@dataclass(frozen=True)
class PendingTensor:
    """A tensor about to be written; `pieces` are its consecutive rows, read once."""

    name: str
    element: str
    shape: tuple[int, ...]
    pieces: Iterable[NDArray[Any]]


def write_blob(
    store: BlobStore, tensors: Sequence[PendingTensor]
) -> tuple[Blob, tuple[StoredTensor, ...]]:
    """Write tensors one after the other as one blob, piece by piece."""
    placed, end_bytes = [], 0
    for tensor in tensors:
        offset_bytes = end_bytes + -end_bytes % ALIGNMENT_BYTES
        stored = StoredTensor(tensor.name, BlobHash(""), tensor.element, tensor.shape, offset_bytes)
        placed.append(stored)
        end_bytes = offset_bytes + stored.size_bytes
    blob = store.put(_chunks(tensors, placed))
    return blob, tuple(
        StoredTensor(each.name, blob.sha256, each.element, each.shape, each.offset_bytes)
        for each in placed
    )


def _chunks(
    tensors: Sequence[PendingTensor], placed: Sequence[StoredTensor]
) -> Iterator[memoryview | bytes]:
    written_bytes = 0
    for tensor, stored in zip(tensors, placed, strict=True):
        yield bytes(stored.offset_bytes - written_bytes)
        written_bytes = stored.offset_bytes
        for piece in tensor.pieces:
            contiguous = np.ascontiguousarray(piece, dtype=np.dtype(tensor.element))
            written_bytes += contiguous.nbytes
            yield contiguous.reshape(-1).view(np.uint8).data
