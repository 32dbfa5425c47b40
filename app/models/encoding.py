"""From a checkpoint's tensors to the form in which a shard reads them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from app.models.checkpoint import Checkpoint, Float32Array
from app.models.families.interface import Role, Weight
from app.models.quantization import BLOCK_COLUMNS, Quantization, quantize_rows
from app.models.tensors import CODES_SUFFIX, SCALES_SUFFIX, PendingTensor


def encode(
    weight: Weight, checkpoint: Checkpoint, quantization: Quantization
) -> tuple[PendingTensor, ...]:
    """Return the tensors that stand for a weight: one of float32, or codes and their scales.

    A matrix whose columns are no multiple of 32 stays float32. Memory: a float32 weight passes
    piece by piece; of a quantised one only the codes are held.
    """
    if quantization is Quantization.F32 or not _quantizable(weight):
        return (PendingTensor(weight.name, "float32", weight.shape, _pieces(weight, checkpoint)),)
    quantized = [quantize_rows(piece, quantization.bits) for piece in _pieces(weight, checkpoint)]
    codes = np.concatenate([each for each, _ in quantized])
    scales = np.concatenate([each for _, each in quantized])
    return (
        PendingTensor(weight.name + CODES_SUFFIX, "uint8", codes.shape, (codes,)),
        PendingTensor(weight.name + SCALES_SUFFIX, "float32", scales.shape, (scales,)),
    )


def _quantizable(weight: Weight) -> bool:
    return weight.role is Role.MATRIX and weight.shape[-1] % BLOCK_COLUMNS == 0


def _pieces(weight: Weight, checkpoint: Checkpoint) -> Iterator[Float32Array]:
    for part in weight.parts:
        for piece in checkpoint.pieces(part.name, part.rows, transposed=part.transposed):
            yield piece + np.float32(part.offset) if part.offset else piece
