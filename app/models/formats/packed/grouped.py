"""GPTQ, AWQ and compressed-tensors: integers in words, a scale and a zero for groups of columns.

Layouts as the packages write them: AutoGPTQ and GPTQModel (`qweight` [columns / 8, rows], zeros one
less than they are), AutoAWQ's GEMM (`qweight` [columns, rows / 8], eight rows in an order of their
own), compressed-tensors' `pack-quantized` (`weight_packed` [rows, columns / 8], from the middle).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.models.formats.model_folder import Float32Array, PackedRows
from app.models.formats.packed.interface import (
    WORD_BITS,
    StoredTensors,
    own_blocks,
    require_shape,
    require_whole,
    scaled,
    unpacked_words,
)

_AWQ_BITS: Final = 4
_AWQ_ORDER: Final = np.array([0, 4, 1, 5, 2, 6, 3, 7])
"""Where in a word each of eight neighbouring rows lies."""

Steps = NDArray[np.int16]


@dataclass(frozen=True)
class GptqMatrix:
    """A matrix named `stem`; zeros are stored `zero_shift` below what they are."""

    stored: StoredTensors
    stem: str
    bits: int
    group: int
    zero_shift: int

    def require(self, shape: tuple[int, ...]) -> None:
        """Raise `BadInputError` where parts are of other shapes or columns of unknown groups."""
        rows, columns = shape
        numbers, groups = WORD_BITS // self.bits, self._groups(columns)
        require_whole(self.stem + ".qweight", columns, numbers)
        require_shape(self.stored, self.stem + ".qweight", (columns // numbers, rows))
        require_shape(self.stored, self.stem + ".scales", (groups, rows))
        require_shape(self.stored, self.stem + ".qzeros", (groups, -(-rows // numbers)))
        if self.stem + ".g_idx" not in self.stored:
            return
        require_shape(self.stored, self.stem + ".g_idx", (columns,))
        if self._places.min() < 0 or self._places.max() >= groups:
            raise BadInputError("tensor.groups_unknown", tensor=self.stem + ".g_idx")

    def rows(self, first: int, after: int) -> Float32Array:
        """Return rows as float32; columns may have their groups in any order."""
        steps, scales = self._steps(first, after)
        values: Float32Array = steps * scales[:, self._places]
        return values

    def blocks(self, first: int, after: int, bits: int) -> PackedRows | None:
        """Return rows in our blocks where the groups follow each other."""
        in_order = np.arange(len(self._places)) // self._size
        if not np.array_equal(self._places, in_order):
            return None
        return own_blocks(*self._steps(first, after), bits)

    def _steps(self, first: int, after: int) -> tuple[Steps, Float32Array]:
        words = self.stored.read(self.stem + ".qweight", slice(None), slice(first, after))
        numbers = unpacked_words(words.astype(np.int32), self.bits)
        codes = numbers.transpose(1, 0, 2).reshape(after - first, -1).astype(np.int16)
        packed_zeros = self.stored.read(self.stem + ".qzeros").astype(np.int32)
        zeros = unpacked_words(packed_zeros, self.bits).reshape(len(packed_zeros), -1)
        own = zeros[:, first:after].T.astype(np.int16) + self.zero_shift
        scales = self.stored.read(self.stem + ".scales", slice(None), slice(first, after))
        return codes - own[:, self._places], np.ascontiguousarray(scales.astype(np.float32).T)

    @cached_property
    def _size(self) -> int:
        columns = self.stored.shape_of(self.stem + ".qweight")[0] * (WORD_BITS // self.bits)
        return -(-columns // self._groups(columns))

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """The group of each column."""
        if self.stem + ".g_idx" in self.stored:
            return self.stored.read(self.stem + ".g_idx").astype(np.int64)
        columns = self.stored.shape_of(self.stem + ".qweight")[0] * (WORD_BITS // self.bits)
        return np.arange(columns) // (self.group if self.group > 0 else columns)

    def _groups(self, columns: int) -> int:
        return -(-columns // self.group) if self.group > 0 else 1


@dataclass(frozen=True)
class AwqMatrix:
    """A matrix named `stem` with a zero of its own in each group."""

    stored: StoredTensors
    stem: str
    group: int

    def require(self, shape: tuple[int, ...]) -> None:
        """Raise `BadInputError` where parts are of other shapes."""
        rows, columns = shape
        require_whole(self.stem + ".qweight", rows, len(_AWQ_ORDER))
        require_whole(self.stem + ".scales", columns, self.group or 1)
        groups = columns // self.group if self.group > 0 else 1
        in_words = rows // len(_AWQ_ORDER)
        require_shape(self.stored, self.stem + ".qweight", (columns, in_words))
        require_shape(self.stored, self.stem + ".qzeros", (groups, in_words))
        require_shape(self.stored, self.stem + ".scales", (groups, rows))

    def rows(self, first: int, after: int) -> Float32Array:
        """Return rows as float32."""
        return scaled(*self._steps(first, after))

    def blocks(self, first: int, after: int, bits: int) -> PackedRows | None:
        """Return rows in our blocks: in eight bits always, in four where zeros are the middle."""
        return own_blocks(*self._steps(first, after), bits)

    def _steps(self, first: int, after: int) -> tuple[Steps, Float32Array]:
        codes, zeros = (self._numbers(part, first, after) for part in (".qweight", ".qzeros"))
        group = len(codes) // len(zeros)
        steps = codes - np.repeat(zeros, group, axis=0)
        scales = self.stored.read(self.stem + ".scales", slice(None), slice(first, after))
        return (
            np.ascontiguousarray(steps.T),
            np.ascontiguousarray(scales.astype(np.float32).T),
        )

    def _numbers(self, part: str, first: int, after: int) -> Steps:
        """Return numbers [columns or groups, rows] of some rows."""
        wide = len(_AWQ_ORDER)
        words = slice(first // wide, -(-after // wide))
        stored = self.stored.read(self.stem + part, slice(None), words).astype(np.int32)
        numbers = unpacked_words(stored, _AWQ_BITS)[..., _AWQ_ORDER]
        flat = numbers.reshape(len(stored), -1)
        return flat[:, first - words.start * wide : after - words.start * wide].astype(np.int16)


@dataclass(frozen=True)
class CompressedMatrix:
    """A matrix named `stem` in four or eight bits around the middle (`pack-quantized`)."""

    stored: StoredTensors
    stem: str
    bits: int

    def require(self, shape: tuple[int, ...]) -> None:
        """Raise `BadInputError` where parts are of other shapes."""
        rows, columns = shape
        numbers = WORD_BITS // self.bits
        require_whole(self.stem + ".weight_packed", columns, numbers)
        require_shape(self.stored, self.stem + ".weight_packed", (rows, columns // numbers))
        found = self.stored.shape_of(self.stem + ".weight_scale")
        if len(found) != 2 or found[0] != rows or not found[1] or columns % found[1]:
            expected = str((rows, "groups"))
            name = self.stem + ".weight_scale"
            raise BadInputError(
                "tensor.of_other_shape", tensor=name, found=str(found), expected=expected
            )

    def rows(self, first: int, after: int) -> Float32Array:
        """Return rows as float32."""
        return scaled(*self._steps(first, after))

    def blocks(self, first: int, after: int, bits: int) -> PackedRows | None:
        """Return rows in our blocks: the same numbers."""
        return own_blocks(*self._steps(first, after), bits)

    def _steps(self, first: int, after: int) -> tuple[Steps, Float32Array]:
        place = slice(first, after)
        words = self.stored.read(self.stem + ".weight_packed", place).astype(np.int32)
        codes = unpacked_words(words, self.bits).reshape(after - first, -1).astype(np.int16)
        scales = self.stored.read(self.stem + ".weight_scale", place).astype(np.float32)
        return codes - np.int16(1 << (self.bits - 1)), scales
