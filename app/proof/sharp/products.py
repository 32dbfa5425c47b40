"""Products with stored matrices recomputed, their activations rounded as the phone rounds them.

Bound: |delta| <= 2 gamma_K |X||W| over the values that are multiplied (TAO, arXiv 2510.16028,
section 3; twice, as neither side is exact).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from app.proof.sharp.classes import BLOCK, Rounded, Rounding, rounded, scales_used, weight_codes
from app.proof.sharp.graph import NotCoveredError, Operator, StageGraph
from app.proof.sharp.recomputed import UNIT, Recomputed, gamma
from workers.protocol.wire import Tensor

PLAIN_SPREAD: Final = 4.0
CODED_SPREAD: Final = 16.0
"""Times the square root of the terms, in roundings. Measured: float32 up to 0.4, 8 bits up to 2.6
(Cortex-A76, which takes the zero points off at the end)."""
INTEGER_ACCURACY_LEVEL: Final = 4
"""Activations are rounded as the class says; at other levels they are not."""
_LOOKED_UP: Final = {"block_size": BLOCK, "gather_axis": 0, "quantize_axis": 1}
_CHUNK_NUMBERS: Final = 1 << 22
Numbers = Sequence[int] | None
"""Which numbers of a product are recomputed, each of a row of the matrix; None for all."""


def product(
    graph: StageGraph, operator: Operator, row: Tensor, numbers: Numbers = None
) -> Recomputed:
    """Recompute a product with a matrix of float32, or some numbers of it."""
    settings = {"transB": 1, "transA": 0, "alpha": 1.0, "transBatchA": 0, "transBatchB": 0}
    if any(settings.get(name) != value for name, value in operator.attributes.items()):
        raise NotCoveredError(operator.name)
    if len(graph.weight_shape(operator.inputs[1])) != 2 or operator.attributes.get("transB") != 1:
        raise NotCoveredError(operator.name)
    matrix = _matrix(graph, operator.inputs[1], numbers)
    values = Rounded(row.astype(np.float64), np.zeros(row.shape))
    return _multiplied(_chunks(matrix), values, PLAIN_SPREAD)


def coded_product(
    graph: StageGraph,
    operator: Operator,
    row: Tensor,
    rounding: Rounding,
    numbers: Numbers = None,
) -> Recomputed:
    """Recompute a product with a matrix of 8 or 4 bits, in blocks of 32 with a scale each."""
    bits, block = operator.attributes["bits"], operator.attributes["block_size"]
    by_integers = operator.attributes.get("accuracy_level") == INTEGER_ACCURACY_LEVEL
    if len(operator.inputs) != 3 or bits not in (4, 8) or block != BLOCK or not by_integers:
        raise NotCoveredError(operator.name)
    codes = _matrix(graph, operator.inputs[1], numbers)
    scales = _matrix(graph, operator.inputs[2], numbers).reshape(len(codes), -1)
    used = scales_used(np.ascontiguousarray(scales), rounding)
    values = rounded(row[None], rounding)
    values = Rounded(values.values[0], values.undecided[0])
    return _multiplied(_widened(codes, used, bits), values, CODED_SPREAD)


def biased(product: Recomputed, bias: Tensor, terms: int) -> Recomputed:
    """Add a bias to a product, wherever among its terms."""
    shift = bias.astype(np.float64)
    value = product.value + shift
    more = 2 * gamma(terms + 1) * np.abs(shift) + 2 * UNIT * np.abs(value)
    spread = (
        None if product.spread is None else product.spread + PLAIN_SPREAD * UNIT * np.abs(value)
    )
    return Recomputed(value, product.allowed + more, spread)


def coded_row(graph: StageGraph, operator: Operator, index: int) -> Recomputed:
    """Recompute a row looked up in a matrix of 8 or 4 bits."""
    bits = operator.attributes["bits"]
    usual = all(operator.attributes.get(name) == each for name, each in _LOOKED_UP.items())
    if len(operator.inputs) != 3 or not usual:
        raise NotCoveredError(operator.name)
    codes = graph.weight_rows(operator.inputs[0], [index])
    scales = graph.weight_rows(operator.inputs[2], [index])
    value = weight_codes(codes, bits)[0] * np.repeat(scales[0].astype(np.float64), BLOCK)
    return Recomputed(value, 2 * UNIT * np.abs(value))


def _matrix(graph: StageGraph, name: str, numbers: Numbers) -> Tensor:
    return graph.weight(name) if numbers is None else graph.weight_rows(name, numbers)


def _multiplied(chunks: Iterator[Tensor], row: Rounded, spread: float) -> Recomputed:
    values, allowed, spreads = [], [], []
    bound = 2 * gamma(len(row.values))
    typical = spread * UNIT * np.sqrt(len(row.values))
    for weights in chunks:
        sizes = np.abs(weights)
        either = sizes @ row.undecided
        values.append(weights @ row.values)
        allowed.append(bound * (sizes @ np.abs(row.values)) + either)
        squares = (weights**2) @ row.values**2
        spreads.append(typical * np.sqrt(squares) + either)
    return Recomputed(np.concatenate(values), np.concatenate(allowed), np.concatenate(spreads))


def _chunks(matrix: Tensor) -> Iterator[Tensor]:
    """Yield the rows of a matrix as float64, so many at a time that memory suffices."""
    count = max(1, _CHUNK_NUMBERS // matrix.shape[1])
    for first in range(0, len(matrix), count):
        yield matrix[first : first + count].astype(np.float64)


def _widened(codes: Tensor, scales: Tensor, bits: int) -> Iterator[Tensor]:
    count = max(1, _CHUNK_NUMBERS // (scales.shape[1] * BLOCK))
    for first in range(0, len(codes), count):
        some = slice(first, first + count)
        steps = np.repeat(scales[some].astype(np.float64), BLOCK, axis=1)
        yield weight_codes(codes[some], bits) * steps
