"""Weights in MXFP4: blocks of 32 four-bit floats that share a power of two (OCP 2023, section 5.3).

gpt-oss's experts are stored so: `x_blocks` [..., blocks, 16] with two numbers a byte, the earlier
in the low half, and `x_scales` [..., blocks], exponents with a bias of 127; 255 is no number.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

BLOCKS_SUFFIX: Final = "_blocks"
EXPONENTS_SUFFIX: Final = "_scales"
BLOCK_BYTES: Final = 16
_HALVES: Final = np.array([0, 1, 2, 3, 4, 6, 8, 12], np.int16)
"""The eight magnitudes, counted in halves."""
_SIGNED: Final = np.concatenate((_HALVES, -_HALVES))
_BIAS: Final = 127
_NO_NUMBER: Final = 255


def own_blocks(
    blocks: NDArray[np.uint8], exponents: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return codes and scales in the layout of MatMulNBits with 8 bits: the same numbers.

    `blocks` is [rows, blocks, 16], `exponents` [rows, blocks]. A scale that is no number is NaN.
    """
    halves = np.empty((*blocks.shape[:-1], 2 * BLOCK_BYTES), np.int16)
    halves[..., 0::2], halves[..., 1::2] = _SIGNED[blocks & 15], _SIGNED[blocks >> 4]
    scales = np.exp2(exponents.astype(np.float32) - np.float32(_BIAS + 1))
    scales[exponents == _NO_NUMBER] = np.nan
    return (halves + 128).astype(np.uint8), scales.astype(np.float32)


def decoded(blocks: NDArray[np.uint8], exponents: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the rows as float32, [rows, columns]."""
    codes, scales = own_blocks(blocks, exponents)
    values = (codes.astype(np.float32) - 128) * scales[..., None]
    return values.reshape(len(blocks), -1)
