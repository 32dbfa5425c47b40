"""From a checkpoint's tensors to the form in which a shard reads them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from app.models.families.interface import Weight, WeightRole
from app.models.formats.model_folder import Float32Array, ModelFolder
from app.models.quantization.block_wise import BLOCK_COLUMNS, Quantization, quantize_rows
from app.models.tensors import CODES_SUFFIX, SCALES_SUFFIX, PendingTensor


def encode(
    weight: Weight, checkpoint: ModelFolder, quantization: Quantization
) -> tuple[PendingTensor, ...]:
    """Return the tensors that stand for a weight: one of float32, or codes and their scales.

    A matrix whose columns are no multiple of 32 stays float32. A weight passes piece by piece; of a
    quantised one only the scales are held, which are complete once the codes were read.
    """
    if quantization is Quantization.F32 or not _quantizable(weight):
        pieces = _pieces(weight, checkpoint)
        return (PendingTensor(weight.name, weight.element, weight.shape, pieces),)
    rows, columns = weight.shape
    blocks = columns // BLOCK_COLUMNS
    codes_shape = (rows, blocks, quantization.bits * BLOCK_COLUMNS // 8)
    scales: list[Float32Array] = []
    codes = _codes(_pieces(weight, checkpoint), quantization.bits, scales)
    return (
        PendingTensor(weight.name + CODES_SUFFIX, "uint8", codes_shape, codes),
        PendingTensor(weight.name + SCALES_SUFFIX, "float32", (rows, blocks), scales),
    )


def _codes(
    pieces: Iterator[Float32Array], bits: int, scales: list[Float32Array]
) -> Iterator[NDArray[np.uint8]]:
    """Yield the codes of each piece and leave its scales in the list."""
    for piece in pieces:
        codes, its_scales = quantize_rows(piece, bits)
        scales.append(its_scales)
        yield codes


def _quantizable(weight: Weight) -> bool:
    wanted = weight.role in (WeightRole.MATRIX, WeightRole.EMBEDDING)
    return wanted and weight.shape[-1] % BLOCK_COLUMNS == 0


def _pieces(weight: Weight, checkpoint: ModelFolder) -> Iterator[Float32Array]:
    for part in weight.parts:
        for piece in checkpoint.pieces(part.name, part.rows, transposed=part.transposed):
            yield piece + np.float32(part.offset) if part.offset else piece
