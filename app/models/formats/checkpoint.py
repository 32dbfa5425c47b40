"""A Hugging Face folder, read tensor by tensor and in pieces, always as float32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from app.core.errors import BadInputError, reason_of
from app.models.configuration import Configuration
from app.models.files import PIECE_BYTES
from app.models.formats.model_folder import CONFIGURATION_FILE, Float32Array, ModelFolder
from app.models.sentence_settings import with_sentence_settings

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
READABLE_TYPES = ("BF16", "F16", "F32")


class Checkpoint(ModelFolder):
    """An opened folder: its configuration, and its weights behind their names.

    Weight files stay on disk; only the piece being read is in memory. A file is opened anew for
    each piece: pages of one that stayed open would count as this process's memory.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadInputError("checkpoint.no_folder", folder=str(folder))
        configuration = Configuration.from_file(folder / CONFIGURATION_FILE)
        super().__init__(folder, with_sentence_settings(configuration, folder))
        self.weight_files = _weight_files(folder)
        self._placed = {name: path for path in self.weight_files for name in _names(path)}

    def __contains__(self, tensor: str) -> bool:
        return tensor in self._placed

    def require(self, tensor: str, shape: tuple[int, ...]) -> None:
        """Refuse a tensor that is missing, of another shape or of a type that is not a float."""
        with self._view(tensor) as view:
            found, element = tuple(view.get_shape()), view.get_dtype()
        if found != shape:
            raise BadInputError(
                "tensor.of_other_shape", tensor=tensor, found=str(found), expected=str(shape)
            )
        if element not in READABLE_TYPES:
            raise BadInputError(
                "tensor.type_unreadable", tensor=tensor, type=element, readable=READABLE_TYPES
            )

    def pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]] = (), *, transposed: bool = False
    ) -> Iterator[Float32Array]:
        """Yield a tensor as float32 arrays of consecutive rows, a few megabytes each.

        `rows` are ranges to yield instead of the whole; a transposed tensor is turned first.
        Raises `BadInputError` at the first value that is not a finite number.
        """
        with self._view(tensor) as view:
            shape = view.get_shape()
        all_rows, *rest = reversed(shape) if transposed else shape
        step = max(1, PIECE_BYTES // (4 * int(np.prod(rest, dtype=np.int64))))
        for first, after in rows or [(0, all_rows)]:
            for start in range(first, after, step):
                yield self._piece(tensor, slice(start, min(start + step, after)), transposed)

    def _piece(self, tensor: str, rows: slice, transposed: bool) -> Float32Array:  # noqa: FBT001 - private
        with self._view(tensor) as view:
            stored = view[:, rows].T if transposed else view[rows]
        piece = np.ascontiguousarray(stored).astype(np.float32)
        if not np.isfinite(piece).all():
            raise BadInputError("tensor.not_finite", tensor=tensor)
        return piece

    @contextmanager
    def _view(self, tensor: str) -> Iterator[Any]:
        name = next((name for name in _names_of(tensor) if name in self._placed), None)
        if name is None:
            raise BadInputError("tensor.missing", tensor=tensor)
        with _opened(self._placed[name]) as file:
            yield file.get_slice(name)


def _names_of(tensor: str) -> Iterator[str]:
    """Yield the names a tensor may have.

    A checkpoint saved without its head's model lacks the first word; the first BERTs called a
    norm's scale and shift gamma and beta.
    """
    for name in (tensor, tensor.partition(".")[2]):
        yield name
        if "LayerNorm" in name:
            yield name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta")


def _weight_files(folder: Path) -> tuple[Path, ...]:
    if not (folder / INDEX_FILE).exists():
        return (folder / WEIGHTS_FILE,)
    placed = Configuration.from_file(folder / INDEX_FILE).section("weight_map")
    names = {str(name) for name in placed.values.values()} if placed else set()
    for name in names:
        if Path(name).name != name:
            raise BadInputError("checkpoint.file_outside", index=INDEX_FILE, file=name)
    return tuple(folder / name for name in sorted(names))


def _names(path: Path) -> list[str]:
    with _opened(path) as file:
        return list(file.keys())


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise BadInputError("weights.missing", folder=str(path.parent), file=path.name)
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise BadInputError(
            "weights.damaged_file", file=path.name, reason=reason_of(error)
        ) from error
