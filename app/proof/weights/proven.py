"""Parts of weight files with what leads from them to the roots that a phone signed for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from app.core.errors import BadInputError
from app.proof.weights.source import StoredPlace, chunks_of
from workers.errors import ReceiptError
from workers.identity.merkle import leaf_hash
from workers.identity.openings import prove_leaves, root_of_leaves
from workers.identity.weight_tree import WEIGHT_CHUNK_BYTES, WeightFile, leaf_count, weight_leaves
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class ShownChunks:
    """Leaves of one file by their numbers, and the proof for all of them together."""

    file: str
    chunks: Mapping[int, bytes]
    proof: tuple[bytes, ...]

    @classmethod
    def of(cls, folder: Path, file: str, numbers: Iterable[int]) -> Self:
        """Read leaves of a file, and prove them; it reads all of the file. Raises `OSError`."""
        wanted, path, chunks = sorted(numbers), folder / file, {}
        with path.open("rb") as content:
            for number in wanted:
                content.seek(number * WEIGHT_CHUNK_BYTES)
                chunks[number] = content.read(WEIGHT_CHUNK_BYTES)
        return cls(file, chunks, tuple(prove_leaves(weight_leaves(path), wanted)))


class ProvenWeights:
    """What was shown of weight files, once it was found to lead to their roots."""

    def __init__(self, files: Iterable[WeightFile], shown: Iterable[ShownChunks]) -> None:
        """Check every proof. Raises `BadInputError` where one does not lead to its file's root."""
        known = {each.sha256: each for each in files}
        self._chunks: dict[str, Mapping[int, bytes]] = {}
        for each in shown:
            file = known.get(each.file)
            if file is None or each.file in self._chunks or not _leads_to(file, each):
                raise BadInputError("evidence.other_weights", file=each.file[:12])
            self._chunks[each.file] = each.chunks

    def whole(self, place: StoredPlace) -> Tensor:
        """Return a tensor. Raises `KeyError` where not all of it was shown."""
        data = self._bytes(place.file, place.offset_bytes, place.size_bytes)
        return np.frombuffer(data, place.element).reshape(place.shape)

    def rows(self, place: StoredPlace, numbers: Sequence[int]) -> Tensor:
        """Return some rows. Raises `KeyError` where one was not shown, `IndexError`."""
        data = b"".join(self._bytes(place.file, *place.row(number)) for number in numbers)
        return np.frombuffer(data, place.element).reshape(len(numbers), *place.shape[1:])

    def _bytes(self, file: str, first_byte: int, length: int) -> bytes:
        chunks, numbers = self._chunks[file], chunks_of(first_byte, length)
        if len(numbers) > len(chunks):
            raise KeyError(file)
        joined = b"".join(chunks[number] for number in numbers)
        start = first_byte - numbers[0] * WEIGHT_CHUNK_BYTES
        found = joined[start : start + length]
        if len(found) != length:
            raise KeyError(file)
        return found


def _leads_to(file: WeightFile, shown: ShownChunks) -> bool:
    """Tell whether chunks are what they are said to be, each as long as its place in the file."""
    for number, chunk in shown.chunks.items():
        left = file.size_bytes - number * WEIGHT_CHUNK_BYTES
        if len(chunk) != min(left, WEIGHT_CHUNK_BYTES):
            return False
    leaves = {number: leaf_hash(chunk) for number, chunk in shown.chunks.items()}
    try:
        root = root_of_leaves(leaf_count(file.size_bytes), leaves, shown.proof)
    except ReceiptError:
        return False
    return root.hex() == file.root
