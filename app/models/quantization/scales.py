"""The scale of each block, sought so that what matters of it is rounded least.

A scale that keeps the largest weight exact is seldom the best: a little clipped, all the others
are rounded finer. Errors count by how strongly a column's input varies (Frantar et al. 2023,
section 3.3; the search is that of llama.cpp's importance matrices, over both signs).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.models.quantization.block_wise import BLOCK_COLUMNS, packed

_SHRUNK: Final = (1.0, 0.95, 0.9, 0.85, 0.8, 0.74, 0.68)
"""Shares of the scale that would keep the largest weight exact."""
LOWEST: Final = -8
HIGHEST: Final = 7

Float32Array = NDArray[np.float32]


def sought_scales(columns: Float32Array, importance: Float32Array) -> Float32Array:
    """Return the scales [rows] of one block given as [columns, rows], for four bits.

    `importance` [columns] is how much a squared error counts. A block of zeros gets zero.
    """
    extreme = np.take_along_axis(columns, np.abs(columns).argmax(0)[None], 0)[0]
    best = extreme / np.float32(LOWEST)
    least = np.full(len(best), np.inf, np.float32)
    for share in _SHRUNK:
        for code in (LOWEST, HIGHEST):
            scales = extreme * np.float32(share / code)
            error, fitted = _fitted(columns, scales, importance)
            better = error < least
            best, least = np.where(better, fitted, best), np.where(better, error, least)
    found: Float32Array = best.astype(np.float32)
    return found


def sought_rows(weights: Float32Array) -> tuple[NDArray[np.uint8], Float32Array]:
    """Return codes and scales of a matrix as `quantize_rows` does, in four bits, scales sought.

    All errors count alike: nothing is known of the inputs.
    """
    rows, count = weights.shape
    blocks = count // BLOCK_COLUMNS
    columns = np.ascontiguousarray(weights.reshape(-1, BLOCK_COLUMNS).T)
    scales = sought_scales(columns, np.ones(BLOCK_COLUMNS, np.float32))
    codes = (rounded(columns, scales) - LOWEST).astype(np.uint8).T
    return packed(codes.reshape(rows, blocks, BLOCK_COLUMNS), 4), scales.reshape(rows, blocks)


def rounded(columns: Float32Array, scales: Float32Array) -> Float32Array:
    """Return the codes, counted from the middle, that come nearest at given scales."""
    steps = np.divide(columns, scales, out=np.zeros_like(columns), where=scales != 0)
    codes: Float32Array = np.clip(np.rint(steps, out=steps), LOWEST, HIGHEST, out=steps)
    return codes


def _fitted(
    columns: Float32Array, scales: Float32Array, importance: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Return the error at given scales, and the scales that fit the codes found with them best.

    The error is what remains with those: of weights w and codes q it is w.w - (w.q)^2 / q.q.
    """
    codes = rounded(columns, scales)
    weighted = codes * importance[:, None]
    along = np.einsum("cr,cr->r", weighted, columns)
    across = np.einsum("cr,cr->r", weighted, codes)
    fitted = np.divide(along, across, out=scales.copy(), where=across > 0)
    return -along * fitted, fitted
