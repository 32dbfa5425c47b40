"""Symmetric block-wise quantisation in the layout of onnxruntime's MatMulNBits operator."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInputError

BLOCK_COLUMNS = 32


class Quantization(StrEnum):
    """How matrices and the embedding are stored; norms, biases and positions stay float32."""

    F32 = "f32"
    Q8 = "q8"
    Q4 = "q4"
    """Rounded by what a text needs, with what four bits harm most in eight."""
    Q4_PLAIN = "q4-plain"
    """Every matrix in four bits, each number rounded by itself."""

    @property
    def bits(self) -> int:
        """Bits of one stored weight, of most matrices."""
        return {"f32": 32, "q8": 8, "q4": 4, "q4-plain": 4}[self.value]

    @classmethod
    def parse(cls, text: str) -> Quantization:
        """Return the member of that name. Raises `BadInputError` for any other text."""
        try:
            return cls(text)
        except ValueError:
            raise BadInputError(
                "quantization.unknown", quantization=text, known=tuple(cls)
            ) from None


def quantize_rows(
    weights: NDArray[np.float32], bits: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the codes and scales of a matrix [rows, columns], columns a multiple of 32.

    Codes are [rows, blocks, 4 * bits] bytes, low nibble first; scales are [rows, blocks]. A
    block's weight is `(code - 2**(bits - 1)) * scale`; the scale maps the block's weight of largest
    magnitude onto the lowest code, so that this weight is exact.
    """
    rows, columns = weights.shape
    blocks = weights.reshape(rows, columns // BLOCK_COLUMNS, BLOCK_COLUMNS)
    half = 1 << (bits - 1)
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)
    scales = extreme / np.float32(-half)
    steps = np.divide(blocks, scales, out=np.zeros_like(blocks), where=scales != 0)
    codes = np.clip(np.rint(steps) + half, 0, 2 * half - 1).astype(np.uint8)
    return packed(codes, bits), scales[..., 0]


def packed(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Return codes, one a byte, as they are stored: of four bits two a byte, low half first."""
    if bits == 8:
        return codes
    stored: NDArray[np.uint8] = codes[..., 0::2] | (codes[..., 1::2] << np.uint8(4))
    return stored


def unpacked(codes: NDArray[np.uint8], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the matrix [rows, columns] that codes and scales stand for."""
    whole = codes
    if codes.shape[-1] < BLOCK_COLUMNS:
        whole = np.stack((codes & 15, codes >> 4), axis=-1).reshape(*codes.shape[:-1], -1)
    half = 128 if whole is codes else 8
    values: NDArray[np.float32] = (whole.astype(np.float32) - half) * scales[..., None]
    return values.reshape(len(codes), -1)
