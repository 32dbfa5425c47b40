"""Rounds a matrix column by column, each error made good by the columns behind it (GPTQ).

Source: Frantar, Ashkboos, Hoefler, Alistarh 2023, "GPTQ", section 3. What a product loses by
rounding is `E H E^T` with the inputs' second moments H; once a column is rounded the best change of
those that are not follows from the inverse of H.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.models.quantization.block_wise import BLOCK_COLUMNS, packed, unpacked
from app.models.quantization.scales import LOWEST, rounded, sought_scales

_DAMPING: Final = 0.1
"""Share of the mean second moment that is added to each.

Ten times the paper's: of a short text the moments are rough, and what they say too finely is lost
again on another text (measured on SmolLM2-135M, three layers, 3,400 tokens).
"""

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class RoundedMatrix:
    """A matrix in four bits as `quantize_rows` returns it, and which share of its product is lost.

    `lost` is the squared error over all inputs seen, relative to the squared product.
    """

    codes: NDArray[np.uint8]
    scales: Float32Array
    lost: float


class Moments:
    """The second moments of a product's inputs, in squares along the diagonal.

    Columns of one square make errors good among themselves. Whole they would take the square of
    the columns in memory, and their inverse its cube in work.
    """

    def __init__(self, columns: int, widest: int) -> None:
        """Begin with none; `widest` is a multiple of the columns of a block."""
        firsts = range(0, columns, widest)
        self._places = [slice(first, min(first + widest, columns)) for first in firsts]
        sizes = [place.stop - place.start for place in self._places]
        self._squares = [np.zeros((size, size), np.float32) for size in sizes]

    def add(self, rows: Float32Array) -> None:
        """Count inputs [rows, columns]."""
        for index, place in enumerate(self._places):
            of_place = rows[:, place]
            self._squares[index] += of_place.T @ of_place

    def squares(self) -> Sequence[tuple[slice, Float32Array]]:
        """Return each square with the columns that it is of."""
        return tuple(zip(self._places, self._squares, strict=True))

    def weighed(self, rows: Float32Array) -> float:
        """Return the squared product of a matrix [rows, columns] with all inputs."""
        parts = ((rows[:, place], square) for place, square in self.squares())
        return float(sum(np.einsum("rc,rc->", part @ square, part) for part, square in parts))


def round_with_feedback(weights: Float32Array, moments: Moments) -> RoundedMatrix:
    """Round a matrix [rows, columns] to four bits; a column that no input touches by itself."""
    rows, columns = weights.shape
    codes = np.empty((columns, rows), np.uint8)
    scales = np.empty((columns // BLOCK_COLUMNS, rows), np.float32)
    for place, square in moments.squares():
        of_blocks = slice(place.start // BLOCK_COLUMNS, place.stop // BLOCK_COLUMNS)
        turned = np.ascontiguousarray(weights[:, place].T)
        _round_slab(turned, square, codes[place], scales[of_blocks])
    stored = packed(np.ascontiguousarray(codes.T).reshape(rows, -1, BLOCK_COLUMNS), 4)
    scales = np.ascontiguousarray(scales.T)
    whole = moments.weighed(weights)
    lost = moments.weighed(weights - unpacked(stored, scales))
    return RoundedMatrix(stored, scales, lost / whole if whole > 0 else 0.0)


def _round_slab(
    columns: Float32Array,
    moments: Float32Array,
    codes: NDArray[np.uint8],
    scales: Float32Array,
) -> None:
    """Round columns [columns, rows], which change meanwhile, into codes and scales of blocks."""
    factor = _inverse_factor(moments)
    importance = (1 / np.square(np.diag(factor))).astype(np.float32)
    for index, first in enumerate(range(0, len(columns), BLOCK_COLUMNS)):
        after = first + BLOCK_COLUMNS
        block = columns[first:after]
        scales[index] = sought_scales(block, importance[first:after])
        errors = np.empty_like(block)
        for offset in range(BLOCK_COLUMNS):
            place = first + offset
            own = rounded(block[offset], scales[index])
            codes[place] = own - LOWEST
            errors[offset] = (block[offset] - own * scales[index]) / factor[place, place]
            block[offset + 1 :] -= np.outer(factor[place, place + 1 : after], errors[offset])
        columns[after:] -= factor[first:after, after:].T @ errors


def _inverse_factor(moments: Float32Array) -> Float32Array:
    """Return the upper triangle U with `U^T U` the inverse of the damped moments."""
    damped = moments.astype(np.float64)
    untouched = np.diag(damped) <= 0
    mean = float(np.diag(damped).mean()) or 1.0
    damped[np.diag_indices_from(damped)] += _DAMPING * mean + untouched * mean
    factor: Float32Array = np.linalg.cholesky(np.linalg.inv(damped)).T.astype(np.float32)
    return factor
