"""What a quantised matrix of a checkpoint is read through, whatever its form."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.models.formats.model_folder import Float32Array, PackedRows
from app.models.quantization.block_wise import BLOCK_COLUMNS, packed

WORD_BITS = 32


class StoredTensors(Protocol):
    """The tensors of a checkpoint by the names that they have there."""

    def __contains__(self, tensor: str) -> bool:
        """Return whether there is a tensor of that name."""
        ...

    def shape_of(self, tensor: str) -> tuple[int, ...]:
        """Return its shape. Raises `BadInputError` where it is missing."""
        ...

    def read(self, tensor: str, *place: slice) -> NDArray[np.generic]:
        """Return it, or a part. Raises `BadInputError` where it is missing or damaged."""
        ...


class PackedMatrix(Protocol):
    """One matrix [rows, columns] as its form keeps it."""

    def require(self, shape: tuple[int, ...]) -> None:
        """Raise `BadInputError` where it is of another shape, or its parts do not fit together."""
        ...

    def rows(self, first: int, after: int) -> Float32Array:
        """Return rows as float32."""
        ...

    def blocks(self, first: int, after: int, bits: int) -> PackedRows | None:
        """Return rows as our codes and scales: the same numbers; None where they do not fit."""
        ...


def require_shape(stored: StoredTensors, tensor: str, expected: tuple[int, ...]) -> None:
    """Raise `BadInputError` where a tensor is missing or of another shape."""
    found = stored.shape_of(tensor)
    if found != expected:
        raise BadInputError(
            "tensor.of_other_shape", tensor=tensor, found=str(found), expected=str(expected)
        )


def require_whole(tensor: str, size: int, unit: int) -> None:
    """Raise `BadInputError` where so many rows or columns are not whole words or groups."""
    if unit < 1 or size % unit:
        raise BadInputError(
            "tensor.of_other_shape", tensor=tensor, found=str(size), expected=f"{unit} * n"
        )


def unpacked_words(words: NDArray[np.int32], bits: int) -> NDArray[np.uint8]:
    """Return the numbers of words [...], the lowest bits first: [..., numbers of a word]."""
    shifts = np.arange(0, WORD_BITS, bits, dtype=np.uint32)
    unsigned = np.ascontiguousarray(words).view(np.uint32)
    return ((unsigned[..., None] >> shifts) & np.uint32((1 << bits) - 1)).astype(np.uint8)


def own_blocks(steps: NDArray[np.int16], scales: Float32Array, bits: int) -> PackedRows | None:
    """Return codes and scales of steps [rows, columns] from zero, `scales` [rows, groups].

    None where a step lies beyond what so many bits hold, or groups are not of whole blocks.
    """
    rows, columns = steps.shape
    half, group = 1 << (bits - 1), columns // scales.shape[1]
    if group % BLOCK_COLUMNS or steps.min() < -half or steps.max() >= half:
        return None
    codes = (steps + half).astype(np.uint8).reshape(rows, -1, BLOCK_COLUMNS)
    return packed(codes, bits), np.repeat(scales, group // BLOCK_COLUMNS, axis=1)


def scaled(steps: NDArray[np.int16], scales: Float32Array) -> Float32Array:
    """Return steps [rows, columns] times the scales [rows, groups] of groups of columns."""
    group = -(-steps.shape[1] // scales.shape[1])
    values: Float32Array = steps * np.repeat(scales, group, axis=1)[:, : steps.shape[1]]
    return values
