"""From a checkpoint's tensors to the form in which a shard reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.models.families.interface import Weight, WeightRole
from app.models.formats.model_folder import Float32Array, ModelFolder
from app.models.quantization.block_wise import BLOCK_COLUMNS, Quantization, quantize_rows
from app.models.tensors import CODES_SUFFIX, SCALES_SUFFIX, PendingTensor


@dataclass(frozen=True)
class StoredForm:
    """One tensor that stands for a weight: its name, the name of its type in numpy, its shape."""

    name: str
    element: str
    shape: tuple[int, ...]


def stored_forms(weight: Weight, quantization: Quantization) -> tuple[StoredForm, ...]:
    """Return the tensors that stand for a weight: one of its own type, or codes and their scales.

    A matrix whose columns are no multiple of 32 stays float32.
    """
    if quantization is Quantization.F32 or not _quantizable(weight):
        return (StoredForm(weight.name, weight.element, weight.shape),)
    rows, columns = weight.shape
    blocks = columns // BLOCK_COLUMNS
    codes_shape = (rows, blocks, quantization.bits * BLOCK_COLUMNS // 8)
    return (
        StoredForm(weight.name + CODES_SUFFIX, "uint8", codes_shape),
        StoredForm(weight.name + SCALES_SUFFIX, "float32", (rows, blocks)),
    )


def encode(
    weight: Weight, checkpoint: ModelFolder, quantization: Quantization
) -> tuple[PendingTensor, ...]:
    """Return the tensors that stand for a weight, in their stored forms.

    A weight passes piece by piece; of a quantised one only the scales are held, which are complete
    once the codes were read.
    """
    forms = stored_forms(weight, quantization)
    pieces = _pieces(weight, checkpoint)
    if len(forms) == 1:
        return (_pending(forms[0], pieces),)
    scales: list[Float32Array] = []
    codes = _codes(pieces, quantization.bits, scales)
    return _pending(forms[0], codes), _pending(forms[1], scales)


def _pending(form: StoredForm, pieces: Iterable[NDArray[Any]]) -> PendingTensor:
    return PendingTensor(form.name, form.element, form.shape, pieces)


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
