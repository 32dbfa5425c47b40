"""From a checkpoint's tensors to the form in which a shard reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.models.families.interface import Part, Weight
from app.models.formats.model_folder import Float32Array, ModelFolder, PackedRows
from app.models.importing.precision import WHOLE_BITS
from app.models.quantization.block_wise import BLOCK_COLUMNS
from app.models.tensors import CODES_SUFFIX, SCALES_SUFFIX, PendingTensor

Rounding = Callable[[Float32Array, int], PackedRows]
"""Makes codes and scales of rows, in so many bits."""


@dataclass(frozen=True)
class StoredForm:
    """One tensor that stands for a weight: its name, the name of its type in numpy, its shape."""

    name: str
    element: str
    shape: tuple[int, ...]


def stored_forms(weight: Weight, bits: int) -> tuple[StoredForm, ...]:
    """Return the tensors that stand for a weight: one of its own type, or codes and their scales.

    With 32 bits it is stored as it is.
    """
    if bits == WHOLE_BITS:
        return (StoredForm(weight.name, weight.element, weight.shape),)
    rows, columns = weight.shape
    blocks = columns // BLOCK_COLUMNS
    codes_shape = (rows, blocks, bits * BLOCK_COLUMNS // 8)
    return (
        StoredForm(weight.name + CODES_SUFFIX, "uint8", codes_shape),
        StoredForm(weight.name + SCALES_SUFFIX, "float32", (rows, blocks)),
    )


def encode(
    weight: Weight, checkpoint: ModelFolder, bits: int, rounding: Rounding
) -> tuple[PendingTensor, ...]:
    """Return the tensors that stand for a weight, in their stored forms.

    A weight passes piece by piece; of a quantised one only the scales are held, which are complete
    once the codes were read.
    """
    if bits == WHOLE_BITS:
        (form,) = stored_forms(weight, bits)
        return (_pending(form, pieces(weight, checkpoint)),)
    return encode_blocks(weight, bits, _packed(weight, checkpoint, bits, rounding))


def encode_blocks(
    weight: Weight, bits: int, rows: Iterator[PackedRows]
) -> tuple[PendingTensor, ...]:
    """Return the two tensors of a quantised weight whose codes and scales come in pieces."""
    codes, scales = stored_forms(weight, bits)
    kept: list[Float32Array] = []
    return _pending(codes, _codes(rows, kept)), _pending(scales, kept)


def is_carried(weight: Weight, checkpoint: ModelFolder, bits: int) -> bool:
    """Return whether all of a weight lies in the file in blocks that are taken as they are."""
    return all(_own(part, checkpoint, bits) is not None for part in weight.parts)


def pieces(weight: Weight, checkpoint: ModelFolder) -> Iterator[Float32Array]:
    """Yield a weight as float32 rows, a few megabytes at a time."""
    for part in weight.parts:
        yield from _part_pieces(part, checkpoint)


def _pending(form: StoredForm, pieces: Iterable[NDArray[Any]]) -> PendingTensor:
    return PendingTensor(form.name, form.element, form.shape, pieces)


def _codes(rows: Iterator[PackedRows], scales: list[Float32Array]) -> Iterator[NDArray[np.uint8]]:
    """Yield the codes of each piece and leave its scales in the list."""
    for codes, its_scales in rows:
        scales.append(its_scales)
        yield codes


def _packed(
    weight: Weight, checkpoint: ModelFolder, bits: int, rounding: Rounding
) -> Iterator[PackedRows]:
    """Yield codes and scales: the file's own where its blocks are like ours."""
    for part in weight.parts:
        own = _own(part, checkpoint, bits)
        if own is not None:
            yield from own
            continue
        for piece in _part_pieces(part, checkpoint):
            yield rounding(piece, bits)


def _own(part: Part, checkpoint: ModelFolder, bits: int) -> Iterator[PackedRows] | None:
    alike = not part.transposed and not part.offset
    return checkpoint.packed_pieces(part.name, part.rows, bits) if alike else None


def _part_pieces(part: Part, checkpoint: ModelFolder) -> Iterator[Float32Array]:
    for piece in checkpoint.pieces(part.name, part.rows, transposed=part.transposed):
        yield piece + np.float32(part.offset) if part.offset else piece
