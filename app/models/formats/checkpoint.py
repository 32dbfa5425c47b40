"""A Hugging Face folder, read tensor by tensor and in pieces, always as float32."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from app.core.errors import BadInputError, reason_of
from app.models.configuration import Configuration
from app.models.families.interface import matrix_shape
from app.models.families.refused import scaled_block
from app.models.files import PIECE_BYTES
from app.models.formats.eight_bit_floats import (
    EIGHT_BITS,
    SCALE_SUFFIXES,
    fits,
    raw_rows,
    scaled_rows,
)
from app.models.formats.four_bit_floats import (
    BLOCK_BYTES,
    BLOCKS_SUFFIX,
    EXPONENTS_SUFFIX,
    decoded,
    own_blocks,
)
from app.models.formats.model_folder import (
    CONFIGURATION_FILE,
    Float32Array,
    ModelFolder,
    PackedRows,
)
from app.models.formats.packed.forms import PackedForms
from app.models.formats.packed.interface import PackedMatrix
from app.models.formats.tensor_names import names_of
from app.models.formats.torch_file import TorchFile, TorchFileError
from app.models.pictures.settings import with_picture_settings
from app.models.quantization.block_wise import BLOCK_COLUMNS
from app.models.sentence_settings import (
    DENSE_FILE,
    dense_settings,
    with_sentence_settings,
)

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
TORCH_FILE = "pytorch_model.bin"
TORCH_INDEX = "pytorch_model.bin.index.json"
TORCH_SUFFIX = ".bin"
UNREAD_FILES = ("consolidated*", "*.pth", "*.pt", "*.npz")
_READ_FILES = (WEIGHTS_FILE, INDEX_FILE, TORCH_FILE, TORCH_INDEX)
READABLE_TYPES = ("BF16", "F16", "F32")


class Checkpoint(ModelFolder):
    """An opened folder: its configuration, and its weights behind their names.

    Weight files stay on disk; only the piece being read is in memory. A file is opened anew for
    each piece: pages of one that stayed open would count as this process's memory.
    """

    def __init__(
        self,
        folder: Path,
        configuration: Configuration | None = None,
        weight_files: tuple[Path, ...] = (),
    ) -> None:
        """Open a folder; what is not given is read from its usual files."""
        if not folder.is_dir():
            raise BadInputError("checkpoint.no_folder", folder=str(folder))
        if not weight_files:
            _refuse_other_forms(folder)
        own = configuration or Configuration.from_file(folder / CONFIGURATION_FILE)
        configuration = with_picture_settings(with_sentence_settings(own, folder), folder)
        super().__init__(folder, configuration)
        steps = dense_settings(configuration)
        dense = {step.folder: folder / step.folder / DENSE_FILE for step in steps}
        of_model = weight_files or _weight_files(folder)
        self.weight_files = (*of_model, *dense.values())
        self._placed = {name: path for path in of_model for name in _names(path)}
        self._placed |= {
            f"{at}/{name}": path for at, path in dense.items() for name in _names(path)
        }
        self._block = scaled_block(configuration)
        section = configuration.section("quantization_config")
        self._forms = PackedForms(section) if section else None
        self._matrix_shapes: dict[str, tuple[int, int]] = {}

    def __contains__(self, tensor: str) -> bool:
        return tensor in self._placed

    def require(self, tensor: str, shape: tuple[int, ...]) -> None:
        """Refuse a tensor that is missing, of another shape or of a type that is not a float."""
        matrix = self._matrix(tensor)
        if matrix is not None:
            matrix.require(shape)
            self._matrix_shapes[tensor] = (shape[0], shape[1])
            return
        if self._is_packed(tensor):
            *before, columns = shape
            blocks = (*before, columns // BLOCK_COLUMNS)
            self._require(tensor + BLOCKS_SUFFIX, (*blocks, BLOCK_BYTES), ("U8",))
            self._require(tensor + EXPONENTS_SUFFIX, blocks, ("U8",))
            return
        if self._scale_of(tensor) is None:
            self._require(tensor, shape, READABLE_TYPES)
            return
        self._require(tensor, shape, (EIGHT_BITS,))
        scales = self._scales(tensor)
        if self._block is None or not fits(scales.shape, shape, self._block):
            raise BadInputError(
                "tensor.of_other_shape",
                tensor=self._scale_of(tensor) or tensor,
                found=str(scales.shape),
                expected=str(self._block),
            )

    def _require(self, tensor: str, shape: tuple[int, ...], readable: tuple[str, ...]) -> None:
        with self._view(tensor) as view:
            found, element = tuple(view.get_shape()), view.get_dtype()
        if found != shape:
            raise BadInputError(
                "tensor.of_other_shape", tensor=tensor, found=str(found), expected=str(shape)
            )
        if element not in readable:
            raise BadInputError(
                "tensor.type_unreadable", tensor=tensor, type=element, readable=readable
            )

    def pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]] = (), *, transposed: bool = False
    ) -> Iterator[Float32Array]:
        """Yield a tensor as float32 arrays of consecutive rows, a few megabytes each.

        `rows` are ranges to yield instead of the whole; a transposed tensor is turned first.
        Raises `BadInputError` at the first value that is not a finite number.
        """
        matrix = self._matrix(tensor)
        if matrix is not None:
            for start, end in self._matrix_steps(tensor, rows):
                yield self._finite(tensor, matrix.rows(start, end))
            return
        if self._is_packed(tensor):
            for blocks, exponents in self._packed(tensor, rows):
                yield self._finite(tensor, decoded(blocks, exponents))
            return
        if self._scale_of(tensor) is not None:
            yield from self._scaled(tensor, rows)
            return
        with self._view(tensor) as view:
            shape = tuple(view.get_shape())
        all_rows, *rest = matrix_shape(shape, transposed=transposed)
        step = max(1, PIECE_BYTES // (4 * math.prod(rest)))
        matrix_rows = max(1, all_rows // (shape[0] if len(shape) == 3 else 1))
        for first, after in rows or [(0, all_rows)]:
            for start, end in _steps(first, after, step, matrix_rows):
                yield self._piece(tensor, start, end, matrix_rows, transposed=transposed)

    def packed_pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]], bits: int
    ) -> Iterator[PackedRows] | None:
        """Return the blocks of a quantised tensor as ours where they are the same numbers.

        Those of MXFP4 are in eight bits.
        """
        matrix = self._matrix(tensor)
        if matrix is not None:
            return self._as_ours(tensor, matrix, self._matrix_steps(tensor, rows), bits)
        return self._as_q8(tensor, rows) if bits == 8 and self._is_packed(tensor) else None

    def shape_of(self, tensor: str) -> tuple[int, ...]:
        """Return a tensor's shape. Raises `BadInputError` where it is missing."""
        with self._view(tensor) as view:
            return tuple(view.get_shape())

    def read(self, tensor: str, *place: slice) -> NDArray[np.generic]:
        """Return a tensor, or a part, as it is. Raises `BadInputError` where it is missing."""
        with self._view(tensor) as view:
            return np.asarray(view[place or slice(None)])

    def _matrix(self, tensor: str) -> PackedMatrix | None:
        """Return the reader of a matrix that others have quantised, None for any other."""
        if self._forms is None:
            return None
        found = (self._forms.of(name, self) for name in names_of(tensor))
        return next((matrix for matrix in found if matrix is not None), None)

    def _matrix_steps(
        self, tensor: str, rows: Sequence[tuple[int, int]]
    ) -> Sequence[tuple[int, int]]:
        all_rows, columns = self._matrix_shapes[tensor]
        step = max(8, PIECE_BYTES // (4 * columns) // 8 * 8)
        ranges = rows or [(0, all_rows)]
        return [place for first, after in ranges for place in _steps(first, after, step, all_rows)]

    def _as_ours(
        self, tensor: str, matrix: PackedMatrix, steps: Sequence[tuple[int, int]], bits: int
    ) -> Iterator[PackedRows] | None:
        if any(matrix.blocks(*step, bits) is None for step in steps):
            return None
        blocks = (matrix.blocks(*step, bits) for step in steps)
        return (
            (codes, self._finite(tensor, scales))
            for codes, scales in (each for each in blocks if each is not None)
        )

    def is_quantized(self, tensor: str) -> bool:
        """Return whether a tensor is stored in few bits, in blocks of another kind than ours."""
        return self._matrix(tensor) is not None or self._is_packed(tensor)

    def _as_q8(self, tensor: str, rows: Sequence[tuple[int, int]]) -> Iterator[PackedRows]:
        for blocks, exponents in self._packed(tensor, rows):
            codes, scales = own_blocks(blocks, exponents)
            yield codes, self._finite(tensor, scales)

    def _is_packed(self, tensor: str) -> bool:
        return tensor not in self._placed and tensor + BLOCKS_SUFFIX in self._placed

    def _packed(
        self, tensor: str, rows: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        """Yield blocks [rows, blocks, bytes] and exponents [rows, blocks] of an MXFP4 stack."""
        with self._view(tensor + BLOCKS_SUFFIX) as view:
            matrices, matrix_rows, blocks, _ = view.get_shape()
        step = max(1, PIECE_BYTES // (4 * BLOCK_COLUMNS * blocks))
        for first, after in rows or [(0, matrices * matrix_rows)]:
            for start, end in _steps(first, after, step, matrix_rows):
                matrix, row = divmod(start, matrix_rows)
                place = slice(matrix, matrix + 1), slice(row, row + end - start)
                with self._view(tensor + BLOCKS_SUFFIX) as view:
                    codes = view[place][0]
                with self._view(tensor + EXPONENTS_SUFFIX) as view:
                    yield codes, view[place][0]

    def _scale_of(self, tensor: str) -> str | None:
        """Return the name of the scales of a matrix in eight-bit floats, None for any other."""
        name = self._name(tensor)
        if name is None or self._block is None:
            return None
        scales = (name + suffix for suffix in SCALE_SUFFIXES)
        return next((each for each in scales if each in self._placed), None)

    def _scales(self, tensor: str) -> Float32Array:
        scale = self._scale_of(tensor)
        if scale is None:
            raise BadInputError("tensor.missing", tensor=tensor)
        with _opened(self._placed[scale]) as file:
            return self._finite(scale, np.asarray(file.get_tensor(scale)).astype(np.float32))

    def _scaled(self, tensor: str, rows: Sequence[tuple[int, int]]) -> Iterator[Float32Array]:
        """Yield the rows of a matrix in eight-bit floats."""
        name, scales, block = self._name(tensor), self._scales(tensor), self._block
        if name is None or block is None:
            raise BadInputError("tensor.missing", tensor=tensor)
        with self._view(tensor) as view:
            shape = tuple(view.get_shape())
        step = max(1, PIECE_BYTES // (4 * shape[-1]))
        for first, after in rows or [(0, shape[0])]:
            for start, end in _steps(first, after, step, shape[0]):
                codes = raw_rows(self._placed[name], name, start, end)
                yield self._finite(tensor, scaled_rows(codes, scales, start, shape, block))

    @staticmethod
    def _finite(tensor: str, values: Float32Array) -> Float32Array:
        if not np.isfinite(values).all():
            raise BadInputError("tensor.not_finite", tensor=tensor)
        return values

    def _piece(
        self, tensor: str, first: int, after: int, matrix_rows: int, *, transposed: bool
    ) -> Float32Array:
        """Return rows of one matrix; those of a stack are counted through all its matrices."""
        with self._view(tensor) as view:
            shape = view.get_shape()
            if len(shape) > 3:
                stored = view[first:after].reshape(after - first, -1)
            elif len(shape) > 2:
                matrix, start = divmod(first, matrix_rows)
                of_it, rows = slice(matrix, matrix + 1), slice(start, start + after - first)
                stored = view[of_it, :, rows][0].T if transposed else view[of_it, rows][0]
            else:
                rows = slice(first, after)
                stored = view[:, rows].T if transposed else view[rows]
        return self._finite(tensor, np.ascontiguousarray(stored).astype(np.float32))

    def _name(self, tensor: str) -> str | None:
        """Return the name that a tensor has here, None where it is missing."""
        return next((name for name in names_of(tensor) if name in self._placed), None)

    @contextmanager
    def _view(self, tensor: str) -> Iterator[Any]:
        name = self._name(tensor)
        if name is None:
            raise BadInputError("tensor.missing", tensor=tensor)
        with _opened(self._placed[name]) as file:
            yield file.get_slice(name.rpartition("/")[2])


def _steps(first: int, after: int, step: int, matrix_rows: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of at most `step` rows, each within one matrix."""
    while first < after:
        end = min(first + step, after, (first // matrix_rows + 1) * matrix_rows)
        yield first, end
        first = end


def has_weights(folder: Path) -> bool:
    """Return whether a folder has weights in a form that is read."""
    return any((folder / name).exists() for name in _READ_FILES)


def _refuse_other_forms(folder: Path) -> None:
    """Name weights that would be left out: a form that is not read."""
    if has_weights(folder):
        return
    for pattern in UNREAD_FILES:
        for found in folder.glob(pattern):
            raise BadInputError("checkpoint.file_unread", file=found.name)


def _weight_files(folder: Path) -> tuple[Path, ...]:
    alone = next((each for each in (WEIGHTS_FILE, TORCH_FILE) if (folder / each).exists()), None)
    index = next((each for each in (INDEX_FILE, TORCH_INDEX) if (folder / each).exists()), None)
    if index is None or (index == TORCH_INDEX and alone == WEIGHTS_FILE):
        return (folder / (alone or WEIGHTS_FILE),)
    placed = Configuration.from_file(folder / index).section("weight_map")
    names = {str(name) for name in placed.values.values()} if placed else set()
    for name in names:
        if Path(name).name != name:
            raise BadInputError("checkpoint.file_outside", index=index, file=name)
    return tuple(folder / name for name in sorted(names))


def _names(path: Path) -> list[str]:
    with _opened(path) as file:
        return list(file.keys())


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise BadInputError("weights.missing", folder=str(path.parent), file=path.name)
    try:
        if path.suffix == TORCH_SUFFIX:
            yield TorchFile(path)
            return
        with safe_open(path, framework="numpy") as file:
            yield file
    except (SafetensorError, TorchFileError, OSError) as error:
        raise BadInputError(
            "weights.damaged_file", file=path.name, reason=reason_of(error)
        ) from error
