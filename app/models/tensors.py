"""Tensors inside blobs: each blob is a row of tensors at page-aligned offsets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

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


class SizedTensor(Protocol):
    """What is needed to know how much room a tensor takes."""

    @property
    def element(self) -> str:
        """Return the name of a type of numpy."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the size of each dimension."""
        ...


@dataclass(frozen=True)
class PendingTensor:
    """A tensor about to be written; `pieces` are its consecutive rows, read once.

    `element` is the name of a type of numpy.
    """

    name: str
    element: str
    shape: tuple[int, ...]
    pieces: Iterable[NDArray[Any]]


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor's raw little-endian bytes lie. `element` is a type of numpy."""

    name: str
    blob: BlobHash
    element: str
    shape: tuple[int, ...]
    offset_bytes: int

    @property
    def size_bytes(self) -> int:
        """Length of the tensor's bytes."""
        return _size_bytes(self)

    def part(self, name: str, index: int, count: int) -> StoredTensor:
        """Return one of `count` equal parts of the rows as a tensor of its own."""
        rows, *rest = self.shape
        offset_bytes = self.offset_bytes + self.size_bytes // count * index
        return replace(self, name=name, shape=(rows // count, *rest), offset_bytes=offset_bytes)


def write_blob(
    store: BlobStore, tensors: Sequence[PendingTensor]
) -> tuple[Blob, tuple[StoredTensor, ...]]:
    """Write tensors one after the other as one blob, piece by piece."""
    offsets = offsets_of(tensors)
    blob = store.put(_chunks(tensors, offsets))
    return blob, tuple(
        StoredTensor(tensor.name, blob.sha256, tensor.element, tensor.shape, offset_bytes)
        for tensor, offset_bytes in zip(tensors, offsets, strict=True)
    )


def blob_bytes(tensors: Sequence[SizedTensor]) -> int:
    """Return the length of the blob that holds these tensors."""
    return offsets_of(tensors)[-1] + _size_bytes(tensors[-1]) if tensors else 0


def _size_bytes(tensor: SizedTensor) -> int:
    return math.prod(tensor.shape) * np.dtype(tensor.element).itemsize


def offsets_of(tensors: Sequence[SizedTensor]) -> list[int]:
    """Return where each tensor begins in the blob that holds them all."""
    offsets, end_bytes = [], 0
    for tensor in tensors:
        offsets.append(end_bytes + -end_bytes % ALIGNMENT_BYTES)
        end_bytes = offsets[-1] + _size_bytes(tensor)
    return offsets


def _chunks(
    tensors: Sequence[PendingTensor], offsets: Sequence[int]
) -> Iterator[memoryview | bytes]:
    written_bytes = 0
    for tensor, offset_bytes in zip(tensors, offsets, strict=True):
        yield bytes(offset_bytes - written_bytes)
        written_bytes = offset_bytes
        for piece in tensor.pieces:
            contiguous = np.ascontiguousarray(piece, dtype=np.dtype(tensor.element))
            written_bytes += contiguous.nbytes
            yield contiguous.reshape(-1).view(np.uint8).data
