"""A Hugging Face folder, read tensor by tensor and in pieces, always as float32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from app.core.errors import BadInputError
from app.models.configuration import Configuration

Float32Array = NDArray[np.float32]

CONFIGURATION_FILE = "config.json"
GENERATION_FILE = "generation_config.json"
TOKENIZER_FILE = "tokenizer.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
READABLE_TYPES = ("BF16", "F16", "F32")
PIECE_BYTES = 8 << 20


class Checkpoint:
    """An opened folder: its configuration, and its weights behind their names.

    Weight files stay on disk; only the piece being read is in memory.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadInputError(f"{folder} is not a folder.")
        self.folder = folder
        self.configuration = Configuration.from_file(folder / CONFIGURATION_FILE)
        self._files = {name: _open(path) for name, path in _weight_files(folder).items()}
        self._placed = {
            tensor: name
            for name, file in self._files.items()
            for tensor in file.keys()  # noqa: SIM118 - not a mapping
        }

    @property
    def begin_token(self) -> int | None:
        """The token every text starts with, if the model has one."""
        tokens = self.configuration.tokens("bos_token_id")
        return tokens[0] if tokens else None

    @property
    def end_tokens(self) -> tuple[int, ...]:
        """Tokens that end a text; the generation settings may list more than the model's own."""
        tokens = self.configuration.tokens("eos_token_id")
        generation = self.folder / GENERATION_FILE
        if generation.exists():
            tokens += Configuration.from_file(generation).tokens("eos_token_id")
        return tuple(dict.fromkeys(tokens))

    @property
    def tokenizer_path(self) -> Path | None:
        """The tokenizer's file, or None where the folder has none."""
        path = self.folder / TOKENIZER_FILE
        return path if path.is_file() else None

    def __contains__(self, tensor: str) -> bool:
        return tensor in self._placed

    def require(self, tensor: str, shape: tuple[int, ...]) -> None:
        """Refuse a tensor that is missing, of another shape or of a type that is not a float."""
        view = self._view(tensor)
        found = tuple(view.get_shape())
        if found != shape:
            raise BadInputError(f"Tensor {tensor} has shape {found}, expected {shape}.")
        if view.get_dtype() not in READABLE_TYPES:
            raise BadInputError(
                f"Tensor {tensor} is {view.get_dtype()}; readable are {', '.join(READABLE_TYPES)}."
            )

    def pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]] = (), *, transposed: bool = False
    ) -> Iterator[Float32Array]:
        """Yield a tensor as float32 arrays of consecutive rows, a few megabytes each.

        `rows` are ranges to yield instead of the whole; a transposed tensor is turned first.
        Raises `BadInputError` at the first value that is not a finite number.
        """
        shape = self._view(tensor).get_shape()
        all_rows, *rest = reversed(shape) if transposed else shape
        step = max(1, PIECE_BYTES // (4 * int(np.prod(rest, dtype=np.int64))))
        for first, after in rows or [(0, all_rows)]:
            for start in range(first, after, step):
                yield self._piece(tensor, slice(start, min(start + step, after)), transposed)

    def _piece(self, tensor: str, rows: slice, transposed: bool) -> Float32Array:  # noqa: FBT001 - private
        view = self._view(tensor)
        stored = view[:, rows].T if transposed else view[rows]
        piece = np.ascontiguousarray(stored).astype(np.float32)
        if not np.isfinite(piece).all():
            raise BadInputError(f"Tensor {tensor} holds values that are not finite numbers.")
        return piece

    def _view(self, tensor: str) -> Any:  # noqa: ANN401 - safetensors' slices have no public type
        name = tensor if tensor in self._placed else _without_prefix(tensor)
        try:
            return self._files[self._placed[name]].get_slice(name)
        except KeyError:
            raise BadInputError(f"The checkpoint lacks the tensor {tensor}.") from None


def _without_prefix(tensor: str) -> str:
    """Return the name that the same tensor has in a checkpoint saved without its head's model."""
    return tensor.partition(".")[2]


def _weight_files(folder: Path) -> dict[str, Path]:
    if not (folder / INDEX_FILE).exists():
        return {WEIGHTS_FILE: folder / WEIGHTS_FILE}
    placed = Configuration.from_file(folder / INDEX_FILE).section("weight_map")
    names = {str(name) for name in placed.values.values()} if placed else set()
    for name in names:
        if Path(name).name != name:
            raise BadInputError(f"{INDEX_FILE} names a file outside its folder: {name}.")
    return {name: folder / name for name in sorted(names)}


def _open(path: Path) -> Any:  # noqa: ANN401 - safetensors' handle has no public type
    if not path.is_file():
        raise BadInputError(f"{path.parent} has no weight file {path.name}.")
    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, OSError) as error:
        raise BadInputError(f"Weight file {path.name} is damaged or cut short: {error}.") from error
