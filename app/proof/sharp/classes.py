"""How a phone's processor rounds what it multiplies with quantised weights, told by its canary.

A class is reproduced where emulating it gives the canary's products again; the products are what
the numerical class of every receipt is a digest of. What is not reproduced is known as no rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from workers.engine.processor import canary_rows, class_digest
from workers.protocol.wire import Tensor

REPRODUCED_WITHIN: Final = 1e-5
"""Error of canary products as a share of their size, but for elements that two codes fit."""
BLOCK: Final = 32
_COUNTED: Final = {8: (7919, 251), 4: (104729, 256)}
"""The canary's codes are `place * factor mod modulus` (`workers.engine.canary`)."""
_ROWS: Final = 32
_BLOCKS: Final = 6
_CODES: Final = 127
_CLOSE_TO_HALF: Final = 1e-4
"""How near to a half a scaled value may lie for either code to be right: ten times what scaling it
in float32 may move a value of 127."""


class Rounding(StrEnum):
    """What is rounded to 8 bits before a product with quantised weights."""

    NONE = "none"
    """Nothing: weights are widened instead (no dot product of bytes, as on a Cortex-A53)."""
    BLOCKS = "blocks"
    """Each 32 numbers by their largest (onnxruntime's own kernels)."""
    ROWS_SHORT_SCALES = "rows, short scales"
    """Each row between its ends, scales of weights cut to bfloat16 (KleidiAI, with 4 bits)."""


@dataclass(frozen=True)
class Rounded:
    """Activations as a kernel multiplies them."""

    values: Tensor
    """f8, of the same shape."""
    undecided: Tensor
    """By how much a value would be another where its code is a toss-up; 0 where it is not."""


@dataclass(frozen=True)
class RoundingClass:
    """By bits of the weights, for one row alone and for several; None where not reproduced."""

    alone: Mapping[int, Rounding | None]
    together: Mapping[int, Rounding | None]

    def of(self, bits: int, rows: int) -> Rounding | None:
        """Return how activations are rounded in a step of so many rows."""
        return (self.alone if rows == 1 else self.together).get(bits)


def read_class(products: Sequence[Tensor], numerical_class: str) -> RoundingClass | None:
    """Return the class that shown products tell of; None where they are not what was signed for."""
    if not is_canary_of(products, numerical_class):
        return None
    left, _right = canary_rows()
    _plain, alone_8, alone_4, together_8, together_4 = products
    return RoundingClass(
        {8: reproduced(left[:1], 8, alone_8), 4: reproduced(left[:1], 4, alone_4)},
        {8: reproduced(left, 8, together_8), 4: reproduced(left, 4, together_4)},
    )


def is_reproduced(products: Sequence[Tensor], numerical_class: str) -> bool:
    """Tell whether all that a class is a digest of is what some known rounding gives."""
    found = read_class(products, numerical_class)
    return found is not None and None not in {*found.alone.values(), *found.together.values()}


def is_canary_of(products: Sequence[Tensor], numerical_class: str) -> bool:
    """Tell whether shown products are what a class is named by."""
    return len(products) == 5 and class_digest(products) == numerical_class.rpartition(" ")[2]


def rounded(rows: Tensor, rounding: Rounding) -> Rounded:
    """Return activations `f4 [rows, columns]` as a processor of that kind multiplies them."""
    match rounding:
        case Rounding.NONE:
            return Rounded(rows.astype(np.float64), np.zeros(rows.shape))
        case Rounding.BLOCKS:
            return _by_blocks(rows)
        case Rounding.ROWS_SHORT_SCALES:
            return _by_rows(rows)


def scales_used(scales: Tensor, rounding: Rounding) -> Tensor:
    """Return the scales of weights, f4, as such a processor reads them."""
    if rounding is not Rounding.ROWS_SHORT_SCALES:
        return scales
    cut: Tensor = (scales.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    return cut


def reproduced(rows: Tensor, bits: int, product: Tensor) -> Rounding | None:
    """Return what gives the canary's product of these rows again; None where nothing does."""
    codes, scales = _canary_weights(bits)
    for rounding in Rounding:
        exact = rounded(rows, rounding)
        used = scales_used(scales, rounding).astype(np.float64)
        weights = codes * np.repeat(used, BLOCK, axis=1)
        expected = exact.values @ weights.T
        if product.shape != expected.shape or not np.isfinite(product).all():
            return None
        either = exact.undecided @ np.abs(weights).T
        error = np.maximum(np.abs(product - expected) - either, 0)
        if np.linalg.norm(error) <= REPRODUCED_WITHIN * np.linalg.norm(expected):
            return rounding
    return None


def _canary_weights(bits: int) -> tuple[Tensor, Tensor]:
    """Return the canary's codes `[rows, columns]` around zero and scales `[rows, blocks]`."""
    scales = (np.arange(_ROWS * _BLOCKS) * 7 % 13).astype(np.float32) / np.float32(1000)
    factor, modulus = _COUNTED[bits]
    counted = (np.arange(_ROWS * _BLOCKS * 4 * bits) * factor % modulus).astype(np.uint8)
    return weight_codes(counted.reshape(_ROWS, _BLOCKS, -1), bits), scales.reshape(_ROWS, _BLOCKS)


def weight_codes(codes: Tensor, bits: int) -> Tensor:
    """Return stored codes `[rows, blocks, bytes]` as they count, i2 `[rows, columns]`."""
    if bits == 4:
        codes = np.stack([codes & 15, codes >> 4], axis=-1)
    return codes.reshape(len(codes), -1).astype(np.int16) - (1 << bits - 1)


def _by_blocks(rows: Tensor) -> Rounded:
    blocks = rows.reshape(-1, BLOCK)
    largest = np.abs(blocks).max(axis=1, keepdims=True)
    steps = (largest / np.float32(_CODES)).astype(np.float32)
    inverse = np.divide(np.float32(_CODES), largest, out=np.zeros_like(largest), where=largest > 0)
    return _coded(rows, blocks * inverse, steps)


def _by_rows(rows: Tensor) -> Rounded:
    """Round as KleidiAI's `kai_lhs_quant_pack_qai8dxp_f32` does: asymmetric, a row at a time."""
    low = np.minimum(rows.min(axis=1, keepdims=True), np.float32(0))
    high = np.maximum(rows.max(axis=1, keepdims=True), np.float32(0))
    spread = high - low
    scale = np.divide(np.float32(255), spread, out=np.ones_like(spread), where=spread > 0)
    steps = (np.float32(1) / scale).astype(np.float32)
    low, high = low * scale, high * scale
    zero = np.where((low - 128) + (high + 127) > 0, -128 - low, 127 - high)
    zero = np.rint(np.clip(zero, -128, 127))
    scaled = np.clip(rows * scale, -128 - zero, 127 - zero)
    return _coded(rows, scaled, steps)


def _coded(rows: Tensor, scaled: Tensor, steps: Tensor) -> Rounded:
    scaled, steps = scaled.astype(np.float64), steps.astype(np.float64)
    values = np.rint(scaled) * steps
    tossed = np.abs(scaled - np.floor(scaled) - 0.5) < _CLOSE_TO_HALF
    return Rounded(values.reshape(rows.shape), np.where(tossed, steps, 0).reshape(rows.shape))
