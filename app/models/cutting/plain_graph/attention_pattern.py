"""Finds attention that is written out in operators: queries, scale, bias, and where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

from app.models.cutting.plain_graph.graph_parts import PlainGraph, is_stub
from app.models.cutting.plain_graph.onnx_file import FLOATS

_RESHAPING = ("Transpose", "Reshape", "Expand", "Unsqueeze", "Squeeze", "Cast", "Tile", "Concat")
_SCALING = ("Mul", "Div")
_HEADED_RANK = 4


@dataclass(frozen=True)
class WrittenAttention:
    """Softmax(queries x keys x scale + biases) x values, which ends in `mixed`.

    Queries and `mixed` are [1, heads, tokens, head size]; `new_keys` and `new_values` what the
    caches are extended by. A window above 0 is the number of tokens seen.
    """

    queries: str
    new_keys: str
    new_values: str
    mixed: str
    scale: float
    biases: tuple[str, ...]
    heads: int
    kv_heads: int
    head_size: int
    window_tokens: int = 0


def written_attention(
    graph: PlainGraph, side_values: frozenset[str], layer: int
) -> WrittenAttention | None:
    """Return a layer's attention, or None where it is not written in a way that is known here."""
    keys, values = f"present.{layer}.key", f"present.{layer}.value"
    softmax = _first_behind(graph, keys, "Softmax")
    product = _first_behind(graph, softmax.output[0], "MatMul") if softmax is not None else None
    if softmax is None or product is None or product.input[0] == values:
        return None
    scores, scale, biases = _scores(graph, side_values, softmax.input[0])
    if scores is None or scores.op_type != "MatMul":
        return None
    queries, query_scale = _unscaled(graph, scores.input[0])
    key_scale = _scale_from(graph, keys, scores.input[1])
    value_scale = _scale_from(graph, values, product.input[1])
    heads, _ = _heads(graph, queries)
    kv_heads, head_size = _heads(graph, f"past.{layer}.key")
    if key_scale is None or value_scale != 1.0 or not (heads and kv_heads and head_size):
        return None
    return WrittenAttention(
        queries=queries,
        new_keys=graph.producers[keys].input[1],
        new_values=graph.producers[values].input[1],
        mixed=product.output[0],
        scale=scale * query_scale * key_scale,
        biases=tuple(biases),
        heads=heads,
        kv_heads=kv_heads,
        head_size=head_size,
    )


def _first_behind(graph: PlainGraph, value: str, kind: str) -> onnx.NodeProto | None:
    """Return the first node of a kind that a value leads to."""
    reached, found = {value}, None
    for node in graph.nodes:
        if found is None and reached.intersection(node.input):
            reached.update(node.output)
            found = node if node.op_type == kind else None
    return found


def _scores(
    graph: PlainGraph, side_values: frozenset[str], value: str
) -> tuple[onnx.NodeProto | None, float, Sequence[str]]:
    """Walk back from the softmax: biases, and before them factors, up to what is neither."""
    scale, biases = 1.0, list[str]()
    while (node := graph.producers.get(value)) is not None:
        factor = _factor(graph, node)
        if factor is not None:
            scale *= factor
        elif node.op_type == "Add" and node.input[1] in side_values and scale == 1.0:
            biases.append(node.input[1])
        else:
            break
        value = node.input[0]
    return node, scale, biases


def _unscaled(graph: PlainGraph, value: str) -> tuple[str, float]:
    scale = 1.0
    while (node := graph.producers.get(value)) is not None:
        factor = _factor(graph, node)
        if factor is None:
            break
        scale, value = scale * factor, node.input[0]
    return value, scale


def _scale_from(graph: PlainGraph, source: str, value: str) -> float | None:
    """Return by what a cache is multiplied on its way to a value; None where more happens."""
    scale = 1.0
    while value != source:
        node = graph.producers.get(value)
        if node is None:
            return None
        factor = _factor(graph, node)
        if factor is None and node.op_type not in _RESHAPING:
            return None
        scale, value = scale * (factor or 1.0), node.input[0]
    return scale


def _factor(graph: PlainGraph, node: onnx.NodeProto) -> float | None:
    """Return the single number that a node multiplies its first input with."""
    if node.op_type not in _SCALING:
        return None
    proto = graph.constants.get(node.input[1])
    if proto is None or is_stub(proto) or proto.data_type not in FLOATS:
        return None
    numbers = np.ravel(numpy_helper.to_array(proto))
    if len(numbers) != 1 or not numbers[0]:
        return None
    return float(numbers[0]) if node.op_type == "Mul" else 1 / float(numbers[0])


def _heads(graph: PlainGraph, value: str) -> tuple[int, int]:
    """Return heads and head size of [1, heads, rows, head size]; 0 where they are not known."""
    shape = graph.shapes.get(value, ())
    heads, size = (shape[1], shape[3]) if len(shape) == _HEADED_RANK else (0, 0)
    return heads if isinstance(heads, int) else 0, size if isinstance(size, int) else 0
