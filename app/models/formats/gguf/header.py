"""The head of a GGUF file: metadata and the places of its tensors.

Laid out as ggml's docs/gguf.md describes versions 2 and 3. The gguf package has a reader too, which
keeps two arrays for each entry of a vocabulary and believes every length it reads; this one checks
them first, so that a file cut short or made to harm is refused in a moment.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFValueType
from numpy.typing import NDArray

from app.core.errors import BadInputError, reason_of

GGUF_SUFFIX = ".gguf"
MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
MAXIMUM_ALIGNMENT = 1 << 16
MAXIMUM_ENTRIES = 1 << 16
"""Of metadata, and of tensors."""
MAXIMUM_STRING_BYTES = 16 << 20
MAXIMUM_ITEMS = 1 << 23
MAXIMUM_DIMENSIONS = 4
_NUMBERS: Mapping[GGUFValueType, str] = {
    GGUFValueType.UINT8: "<u1",
    GGUFValueType.INT8: "<i1",
    GGUFValueType.UINT16: "<u2",
    GGUFValueType.INT16: "<i2",
    GGUFValueType.UINT32: "<u4",
    GGUFValueType.INT32: "<i4",
    GGUFValueType.FLOAT32: "<f4",
    GGUFValueType.BOOL: "?",
    GGUFValueType.UINT64: "<u8",
    GGUFValueType.INT64: "<i8",
    GGUFValueType.FLOAT64: "<f8",
}

Value = int | float | bool | str | NDArray[Any] | tuple[str, ...]


class CutShortError(BadInputError):
    """The file ends before what it announces."""


@dataclass(frozen=True)
class GgufTensor:
    """Where a tensor lies in the file; `shape` as numpy has it, rows first."""

    name: str
    kind: GGMLQuantizationType
    shape: tuple[int, ...]
    offset_bytes: int
    row_bytes: int

    @property
    def end_bytes(self) -> int:
        """The place behind its last byte."""
        return self.offset_bytes + self.row_bytes * math.prod(self.shape[:-1])


@dataclass(frozen=True)
class GgufHeader:
    """What a file says of itself. Numbers of an array are one numpy array, texts a tuple."""

    values: Mapping[str, Value]
    tensors: Mapping[str, GgufTensor]

    @property
    def end_bytes(self) -> int:
        """Length that the file must have at least."""
        return max((tensor.end_bytes for tensor in self.tensors.values()), default=0)


def read_header(path: Path, *, whole: bool = True) -> GgufHeader:
    """Read the head; with `whole` the file has to hold all its tensors.

    Raises `CutShortError` where it ends too early, `BadInputError` where it is no such file.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as map_:
            header = _HeaderReader(path.name, map_).header()
            size_bytes = len(map_)
    except (OSError, ValueError) as error:  # an empty file cannot be mapped
        raise BadInputError("gguf.unreadable", file=path.name, reason=reason_of(error)) from error
    if whole and header.end_bytes > size_bytes:
        raise CutShortError(
            "gguf.cut_short", file=path.name, present=size_bytes, wanted=header.end_bytes
        )
    return header


class _HeaderReader:
    """Walks through the bytes from front to back; nothing is believed before it is compared."""

    def __init__(self, name: str, content: mmap.mmap) -> None:
        self._name = name
        self._content = content
        self._at = 0

    def header(self) -> GgufHeader:
        if self._take(len(MAGIC)) != MAGIC:
            raise BadInputError("gguf.other_file", file=self._name)
        version = self._number(4)
        if version not in VERSIONS:
            raise BadInputError("gguf.version", file=self._name, version=version)
        tensors = self._count(MAXIMUM_ENTRIES)
        entries = self._count(MAXIMUM_ENTRIES)
        values = dict(self._entry() for _ in range(entries))
        places = [self._place() for _ in range(tensors)]
        return GgufHeader(values, self._placed(places, self._data_start(values)))

    def _entry(self) -> tuple[str, Value]:
        key = self._text()
        return key, self._value(self._kind())

    def _value(self, kind: GGUFValueType) -> Value:
        if kind is GGUFValueType.STRING:
            return self._text()
        if kind is GGUFValueType.ARRAY:
            return self._array(self._kind())
        value: int | float | bool = self._numbers(_NUMBERS[kind], 1)[0].item()
        return value

    def _array(self, kind: GGUFValueType) -> Value:
        count = self._count(MAXIMUM_ITEMS)
        if kind is GGUFValueType.STRING:
            return tuple(self._text() for _ in range(count))
        if kind is GGUFValueType.ARRAY:
            raise BadInputError("gguf.damaged", file=self._name)
        return self._numbers(_NUMBERS[kind], count)

    def _kind(self) -> GGUFValueType:
        number = self._number(4)
        try:
            return GGUFValueType(number)
        except ValueError:
            raise BadInputError("gguf.damaged", file=self._name) from None

    def _place(self) -> tuple[str, GGMLQuantizationType, tuple[int, ...], int]:
        """Return a tensor's name, type, shape and place behind the head."""
        name = self._text()
        dimensions = self._count(MAXIMUM_DIMENSIONS, 4)
        shape = tuple(int(size) for size in reversed(self._numbers("<u8", dimensions)))
        number = self._number(4)
        try:
            kind = GGMLQuantizationType(number)
        except ValueError:
            raise BadInputError(
                "gguf.unknown_type", file=self._name, tensor=name[:80], type=number
            ) from None
        return name, kind, shape, self._number(8)

    def _placed(
        self, places: list[tuple[str, GGMLQuantizationType, tuple[int, ...], int]], start: int
    ) -> dict[str, GgufTensor]:
        tensors: dict[str, GgufTensor] = {}
        for name, kind, shape, offset in places:
            block, block_bytes = GGML_QUANT_SIZES[kind]
            columns = shape[-1] if shape else 0
            if name in tensors or not all(shape) or columns % block or not shape:
                raise BadInputError("gguf.shape", file=self._name, tensor=name[:80])
            row_bytes = columns // block * block_bytes
            tensors[name] = GgufTensor(name, kind, shape, start + offset, row_bytes)
        return tensors

    def _data_start(self, values: Mapping[str, Value]) -> int:
        alignment = values.get("general.alignment", DEFAULT_ALIGNMENT)
        if not isinstance(alignment, int) or not 0 < alignment <= MAXIMUM_ALIGNMENT:
            raise BadInputError("gguf.damaged", file=self._name)
        return self._at + -self._at % alignment

    def _text(self) -> str:
        length = self._count(MAXIMUM_STRING_BYTES)
        try:
            return self._take(length).decode()
        except UnicodeDecodeError:
            raise BadInputError("gguf.damaged", file=self._name) from None

    def _count(self, maximum: int, size_bytes: int = 8) -> int:
        count = self._number(size_bytes)
        if count > maximum:
            raise BadInputError("gguf.damaged", file=self._name)
        return count

    def _number(self, size_bytes: int) -> int:
        return int.from_bytes(self._take(size_bytes), "little")

    def _numbers(self, form: str, count: int) -> NDArray[Any]:
        element = np.dtype(form)
        return np.frombuffer(self._take(count * element.itemsize), element)

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._content):
            raise CutShortError("gguf.head_cut_short", file=self._name)
        taken = self._content[self._at : end]
        self._at = end
        return taken
