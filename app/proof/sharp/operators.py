"""The walk over a stage's operators: what each reads, and what it must have answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.proof.sharp import plain_operators
from app.proof.sharp.attention import Heads, attended, first_seen, turned
from app.proof.sharp.classes import Rounding, RoundingClass
from app.proof.sharp.graph import EXPERTS, NotCoveredError, Operator, StageGraph
from app.proof.sharp.one_row import OneRow, made_beside
from app.proof.sharp.products import Numbers, biased, coded_product, coded_row, product
from app.proof.sharp.recomputed import Recomputed
from workers.protocol.wire import Tensor

_NORMS: Final = {
    "SimplifiedLayerNormalization": plain_operators.rms_norm,
    "LayerNormalization": plain_operators.layer_norm,
}
ATTENTION: Final = "GroupQueryAttention"
BOTH_WAYS: Final = "MultiHeadAttention"
"""An encoder's: it reads all rows of its step and keeps none."""
_BIAS_INPUT: Final = 5
_ELEMENTWISE: Final = frozenset(
    {"Add", "Sub", "Mul", "Div", "Relu", "Gelu", "Sigmoid", "Tanh"},
)
COVERED: Final = frozenset(
    {
        *_NORMS,
        *_ELEMENTWISE,
        ATTENTION,
        BOTH_WAYS,
        EXPERTS,
        "FusedMatMul",
        "MatMulNBits",
        "Gather",
        "GatherBlockQuantized",
        "RotaryEmbedding",
    }
)
"""Of experts nothing is recomputed but what stands around them."""


@dataclass(frozen=True)
class SeenRows:
    """What an attention may read, `[rows, key heads * size]`.

    From the first row to its own; both ways all rows of its step.
    """

    keys: Tensor
    values: Tensor
    own: int
    """Which of them is its own."""


def require_covered(graph: StageGraph) -> None:
    """Raise `NotCoveredError` where some operator of a stage cannot be recomputed."""
    for operator in graph.operators:
        if operator.kind not in COVERED or _is_odd(operator):
            raise NotCoveredError(operator.name)


def _is_odd(operator: Operator) -> bool:
    """Tell whether an attention has inputs that are not recomputed."""
    inputs = operator.inputs
    if operator.kind == BOTH_WAYS:
        lacks = len(inputs) < 3 or not all(inputs[:3])
        return lacks or any(inputs[3:_BIAS_INPUT]) or any(inputs[_BIAS_INPUT + 1 :])
    return operator.kind == ATTENTION and (any(inputs[11:]) or any(inputs[9:10]))


def read_states(graph: StageGraph, operator: Operator) -> frozenset[str]:
    """Return the states of its own row that an operator reads, the cache left out."""
    return frozenset(state for name in operator.inputs for state in graph.sources(name))


def cache_states(operator: Operator) -> tuple[str, str]:
    """Return the names of the keys and values that an attention reads and extends."""
    _attention, keys, values = operator.outputs
    return keys, values


def seen_states(graph: StageGraph, operator: Operator) -> frozenset[str]:
    """Return the states that hold what an attention both ways reads of other rows."""
    return frozenset(state for name in operator.inputs[1:3] for state in graph.sources(name))


def _packed_width(operator: Operator, row: OneRow) -> int:
    """Return how wide queries, keys and values are together."""
    return sum(len(row.value(name)) for name in operator.inputs[:3] if name)


def rounding_of(
    graph: StageGraph, operator: Operator, rows: int, of_class: RoundingClass | None
) -> Rounding | None:
    """Return how an operator's activations are rounded; None where that is not known."""
    product = graph.product_in(operator)
    if product is None:
        return Rounding.NONE
    return of_class.of(product.attributes["bits"], rows) if of_class else None


def is_product(graph: StageGraph, operator: Operator) -> bool:
    """Tell whether an operator multiplies with a stored matrix, each number with a row of it."""
    return operator.kind == "FusedMatMul" or graph.product_in(operator) is not None


def recompute(
    operator: Operator,
    row: OneRow,
    rounding: Rounding,
    seen: SeenRows | None,
    numbers: Numbers = None,
) -> Mapping[str, Recomputed]:
    """Return what each output of an operator must be in a row; of a product, some `numbers` of it.

    Without rows `seen` an attention is held only to what it writes into the cache.
    Raises `NotCoveredError`, and `KeyError` for a state that was not opened.
    """
    if operator.kind == ATTENTION:
        return _attention(operator, row, seen)
    if operator.kind == BOTH_WAYS:
        return {operator.outputs[0]: _both_ways(operator, row, seen)}
    return {operator.outputs[0]: _single(operator, row, rounding, numbers)}


def _single(operator: Operator, row: OneRow, rounding: Rounding, numbers: Numbers) -> Recomputed:
    graph, kind = row.graph, operator.kind
    if kind == "FusedMatMul":
        return product(graph, operator, row.value(operator.inputs[0]), numbers)
    coded = graph.product_in(operator)
    if coded is not None:
        entered = row.value(coded.inputs[0])
        found = coded_product(graph, coded, entered, rounding, numbers)
        if coded is operator:
            return found
        bias = row.value(operator.inputs[1])
        some = bias if numbers is None else bias[list(numbers)]
        return biased(found, some, len(entered))
    if kind == "Gather":
        table, index = operator.inputs[0], _index(operator, row)
        value = graph.weight_rows(table, [index])[0].astype(np.float64).ravel()
        return Recomputed(value, np.zeros(value.shape))
    if kind == "GatherBlockQuantized":
        return coded_row(graph, operator, _index(operator, row))
    if kind == "RotaryEmbedding":
        return _rotary(operator, row)
    inputs = [row.value(name).ravel() for name in operator.inputs if name]
    if kind in _NORMS:
        return _NORMS[kind](operator, inputs)
    return plain_operators.elementwise(operator, inputs)


def _index(operator: Operator, row: OneRow) -> int:
    """Return which row of a table is looked up: the token's, or that of the position."""
    index = int(row.value(operator.inputs[1]).ravel()[0])
    if operator.attributes.get("axis", 0) != 0 or index < 0:
        raise NotCoveredError(operator.name)
    return index


def _rotary(operator: Operator, row: OneRow) -> Recomputed:
    value = row.value(operator.inputs[0])
    heads = operator.attributes["num_heads"]
    if operator.attributes.get("scale", 1.0) != 1.0:
        raise NotCoveredError(operator.name)
    place = int(row.value(operator.inputs[1]).ravel()[0])
    cosines, sines = (row.graph.weight_rows(name, [place])[0] for name in operator.inputs[2:4])
    neighbours = bool(operator.attributes.get("interleaved", 0))
    return turned(value, len(value) // heads, cosines, sines, neighbours=neighbours)


def _attention(operator: Operator, row: OneRow, seen: SeenRows | None) -> Mapping[str, Recomputed]:
    inputs = [*operator.inputs, *[""] * 11]
    heads = Heads.of(operator, _packed_width(operator, row))
    query, key, value = _apart(inputs, row, heads)
    exact = Recomputed(query.astype(np.float64), np.zeros(query.shape))
    new_key = Recomputed(key.astype(np.float64), np.zeros(key.shape))
    if heads.turns:
        tables = [row.graph.weight_rows(name, [row.position])[0] for name in inputs[7:9]]
        exact, new_key = (
            turned(each, heads.size, *tables, neighbours=heads.neighbours) for each in (query, key)
        )
    keys, values = cache_states(operator)
    written = {keys: new_key, values: Recomputed(value.astype(np.float64), np.zeros(value.shape))}
    if seen is None:
        return written
    first = first_seen(heads, row.position)
    bias = row.value(inputs[10])[..., first:] if inputs[10] else None
    answer = attended(heads, exact, seen.keys[first:], seen.values[first:], bias)
    return {operator.outputs[0]: answer, **written}


def _both_ways(operator: Operator, row: OneRow, seen: SeenRows | None) -> Recomputed:
    if seen is None:
        raise KeyError(operator.outputs[0])
    query = row.value(operator.inputs[0])
    heads = Heads.both_ways(operator, len(query))
    rows, bias = len(seen.keys), None
    if any(operator.inputs[_BIAS_INPUT:]):
        every = made_beside(row.graph, operator.inputs[_BIAS_INPUT], rows - 1, rows)
        bias = every[..., seen.own, :]
    exact = Recomputed(query.astype(np.float64), np.zeros(query.shape))
    return attended(heads, exact, seen.keys, seen.values, bias)


def _apart(inputs: list[str], row: OneRow, heads: Heads) -> tuple[Tensor, Tensor, Tensor]:
    if inputs[1]:
        query, key, value = (row.value(name) for name in inputs[:3])
        return query, key, value
    queries, keys = heads.queries * heads.size, heads.keys * heads.size
    query, key, value = np.split(row.value(inputs[0]), [queries, queries + keys])
    return query, key, value
