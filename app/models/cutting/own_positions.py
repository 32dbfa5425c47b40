"""Gives each row the position of its own sequence, where a graph counts on from cached tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper

from app.models.cutting.plain_graph.graph_parts import (
    ALL,
    PAST,
    POSITIONS,
    TOKENS,
    PlainGraph,
    with_nodes,
)
from app.models.cutting.plain_graph.masks import MASK_STEPS
from app.models.cutting.plain_graph.step_lengths import StepLengths

_STEPS = ((5, 0), (2, 7), (3, 4))
"""Tokens and cached tokens with which positions are recognised."""
_INTEGERS = (np.dtype(np.int64), np.dtype(np.int32))


def with_own_positions(graph: PlainGraph) -> onnx.ModelProto:
    """Return the graph with the batch's positions where it counts on from the cached tokens.

    What marks rows that see no token at all marks none.
    """
    side_values = _side_values(graph)
    places = _alike(graph, side_values, _STEPS, _is_place)
    never = _alike(graph, side_values, MASK_STEPS, _is_never)
    found = {**places, **never}
    nodes, constants = [], {}
    for node in graph.nodes:
        output = node.output[0]
        if output not in found or not found.keys().isdisjoint(node.input):
            nodes.append(node)
        elif output in never:
            constants[output] = np.zeros(np.ndim(never[output]) * (1,), np.bool_)
        else:
            example, shape = places[output], output + ".shape"
            constants[shape] = np.array([-1 if size > 1 else 1 for size in example.shape], np.int64)
            nodes.append(helper.make_node("Reshape", [POSITIONS, shape], [output + ".places"]))
            kind = helper.np_dtype_to_tensor_dtype(example.dtype)
            nodes.append(helper.make_node("Cast", [output + ".places"], [output], to=kind))
    return with_nodes(graph, nodes, constants)


def _alike(
    graph: PlainGraph,
    side_values: Sequence[str],
    steps: Iterable[tuple[int, int]],
    is_alike: Callable[[np.ndarray, int, int], bool],
) -> Mapping[str, np.ndarray]:
    """Return the values for which something holds at every step, as they are at the first."""
    try:
        numbers = StepLengths(graph, side_values)
        tried = [(step, numbers.at(*step)) for step in steps]
    except Exception:  # noqa: BLE001 - a value that cannot be computed for some lengths stays
        return {}
    return {
        name: tried[0][1][name]
        for name in numbers.names
        if all(is_alike(values[name], *step) for step, values in tried)
    }


def _is_place(values: np.ndarray, tokens: int, past: int) -> bool:
    places = past + np.arange(tokens)
    return values.dtype in _INTEGERS and np.array_equal(np.ravel(values), places)


def _is_never(values: np.ndarray, _tokens: int, _past: int) -> bool:
    return values.dtype == np.bool_ and not values.any()


def _side_values(graph: PlainGraph) -> list[str]:
    followers = set(graph.inputs) - {TOKENS, PAST, ALL}
    for node in graph.nodes:
        if followers.intersection(node.input):
            followers.update(node.output)
    return [name for name in graph.producers if name not in followers]
