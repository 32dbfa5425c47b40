"""Weights as eight-bit floats (E4M3) with scales of their own: for blocks, rows or a whole matrix.

Beside `x.weight` lies `x.weight_scale_inv` (DeepSeek-AI 2024, section 3.3: blocks of 128 x 128; or
one number, as Ministral 3 is published) or `x.weight_scale` (compressed-tensors: one a row or in
all).
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

EIGHT_BITS: Final = "F8_E4M3"
SCALE_SUFFIXES: Final = ("_scale_inv", "_scale")


def fits(scale_shape: tuple[int, ...], shape: tuple[int, ...], block: tuple[int, int]) -> bool:
    """Return whether scales of a shape can be those of a matrix of another."""
    if len(shape) != 2 or len(scale_shape) > 2:
        return False
    if math.prod(scale_shape) == 1:
        return True
    rows, columns = (*scale_shape, 1)[:2]
    in_blocks = tuple(-(-size // step) for size, step in zip(shape, block, strict=True))
    return rows in (1, shape[0], in_blocks[0]) and columns in (1, in_blocks[1])


def scaled_rows(
    codes: NDArray[np.uint8],
    scales: NDArray[np.float32],
    first: int,
    shape: tuple[int, ...],
    block: tuple[int, int],
) -> NDArray[np.float32]:
    """Return rows from `first` on, multiplied by the scales of the blocks that they lie in."""
    values = codes.view(ml_dtypes.float8_e4m3fn).astype(np.float32)
    grid = scales.reshape(1, 1) if scales.size == 1 else scales.reshape(len(scales), -1)
    block_rows = shape[0] if len(grid) == 1 else 1 if len(grid) == shape[0] else block[0]
    block_columns = shape[1] if grid.shape[1] == 1 else block[1]
    rows = (first + np.arange(len(codes))) // block_rows
    columns = np.arange(shape[1]) // block_columns
    factors: NDArray[np.float32] = values * grid[rows][:, columns]
    return factors


def raw_rows(file: Path, tensor: str, first: int, after: int) -> NDArray[np.uint8]:
    """Return bytes [rows, columns] of a matrix with one byte a number.

    safetensors gives numpy no slices of this type. The header was checked when it was opened.
    """
    with file.open("rb") as content:
        header_bytes = int.from_bytes(content.read(8), "little")
        fields = json.loads(content.read(header_bytes))[tensor]
        columns, begin = fields["shape"][1], fields["data_offsets"][0]
        content.seek(8 + header_bytes + begin + first * columns)
        stored = content.read((after - first) * columns)
    return np.frombuffer(stored, np.uint8).reshape(after - first, columns)
