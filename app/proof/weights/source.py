"""Stored tensors by their places in weight files, whole or some rows of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from workers.identity.weight_tree import WEIGHT_CHUNK_BYTES
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class StoredPlace:
    """Where a tensor lies in a weight file, which is named by its SHA-256."""

    file: str
    offset_bytes: int
    element: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """Length of all of it."""
        return math.prod(self.shape) * self.element.itemsize

    def row(self, number: int) -> tuple[int, int]:
        """Return where a row begins in the file and how long it is. Raises `IndexError`."""
        if not self.shape or not 0 <= number < self.shape[0]:
            raise IndexError(number)
        length = self.size_bytes // self.shape[0]
        return self.offset_bytes + number * length, length


class Weights(Protocol):
    """Gives stored tensors."""

    def whole(self, place: StoredPlace) -> Tensor:
        """Return a tensor."""
        ...

    def rows(self, place: StoredPlace, numbers: Sequence[int]) -> Tensor:
        """Return some rows, in this order, one below the other. Raises `IndexError`."""
        ...


@dataclass(frozen=True)
class FolderWeights:
    """Files in a folder, mapped and not read."""

    folder: Path

    def whole(self, place: StoredPlace) -> Tensor:
        """Return a tensor. Raises `OSError` where the file is not there."""
        path = self.folder / place.file
        return np.memmap(path, place.element, "r", place.offset_bytes, place.shape)

    def rows(self, place: StoredPlace, numbers: Sequence[int]) -> Tensor:
        """Return some rows."""
        found: Tensor = np.asarray(self.whole(place)[list(numbers)])
        return found


class WatchedWeights:
    """Another source, and which chunks of which files were read from it."""

    def __init__(self, source: Weights) -> None:
        self._source = source
        self._read: dict[str, set[int]] = {}

    @property
    def chunks(self) -> Mapping[str, frozenset[int]]:
        """The leaves that were read, by file."""
        return {file: frozenset(numbers) for file, numbers in self._read.items()}

    def whole(self, place: StoredPlace) -> Tensor:
        """Return a tensor."""
        self._note(place.file, place.offset_bytes, place.size_bytes)
        return self._source.whole(place)

    def rows(self, place: StoredPlace, numbers: Sequence[int]) -> Tensor:
        """Return some rows."""
        for number in numbers:
            self._note(place.file, *place.row(number))
        return self._source.rows(place, numbers)

    def _note(self, file: str, first_byte: int, length: int) -> None:
        self._read.setdefault(file, set()).update(chunks_of(first_byte, length))


def chunks_of(first_byte: int, length: int) -> range:
    """Return the leaves that so many bytes of a file are in."""
    end = first_byte + max(length, 1) - 1
    return range(first_byte // WEIGHT_CHUNK_BYTES, end // WEIGHT_CHUNK_BYTES + 1)
