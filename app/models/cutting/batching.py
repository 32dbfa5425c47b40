"""Lets a decoder's graph, traced for one sequence, take one row of each of several.

Rows of all sequences stand one behind the other where the tokens of one stood: products, norms and
activations treat each by itself anyway. Only attention takes them apart again, and each row has the
position of its own sequence.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from app.models.cutting.batched_rows import with_batched_rows
from app.models.cutting.own_positions import with_own_positions
from app.models.cutting.plain_graph.graph_parts import (
    ALL,
    EACH,
    LAST_ROWS,
    LONGEST,
    PAST,
    POSITIONS,
    SEQUENCES,
    PlainGraph,
    with_nodes,
)
from app.models.cutting.plain_graph.interface import ATTENTION, WINDOW, constant_attribute
from app.models.cutting.plain_graph.masks import window_of
from app.models.cutting.plain_graph.simplification import simplify
from app.models.cutting.skeleton import Skeleton, marked

_BIAS_INPUT = 10


def with_batches(skeleton: Skeleton) -> Skeleton | None:
    """Return the skeleton for batches, or None where rows do not surely go together.

    That is where attention is written out, its scores get a bias, or anything but positions follows
    from the cached tokens. Whether rows are treated alone elsewhere must be tried on the layers.
    """
    if not skeleton.in_place:
        return None
    plain = _without_masks(skeleton.graph)
    if plain is None:
        return None
    graph = PlainGraph(simplify(with_batched_rows(_with_inputs(plain))))
    batched = PlainGraph(simplify(with_own_positions(graph)))
    if any(PAST in node.input or ALL in node.input for node in batched.nodes):
        return None
    return marked(
        Skeleton(
            batched.model,
            skeleton.boundaries,
            skeleton.hidden_size,
            in_place=True,
            takes_batches=True,
        )
    )


def _without_masks(graph: PlainGraph) -> PlainGraph | None:
    """Return the graph whose attention hides by itself what masks did; None where they do more."""
    windows: dict[str, int | None] = {}
    nodes = []
    for node in graph.nodes:
        own = onnx.NodeProto()
        own.CopyFrom(node)
        nodes.append(own)
        if node.op_type != ATTENTION or not any(node.input[_BIAS_INPUT:]):
            continue
        *_, bias = node.input[: _BIAS_INPUT + 1]
        if bias not in windows:
            windows[bias] = window_of(graph, [bias])
        window = windows[bias]
        if window is None or any(node.input[_BIAS_INPUT + 1 :]) or _has_window(node):
            return None
        del own.input[_BIAS_INPUT:]
        if window:
            own.attribute.append(helper.make_attribute(WINDOW, window))
    return PlainGraph(with_nodes(graph, nodes, {}))


def _has_window(node: onnx.NodeProto) -> bool:
    return constant_attribute(node, WINDOW, -1) > 0


def _with_inputs(graph: PlainGraph) -> PlainGraph:
    model = with_nodes(graph, graph.nodes, {})
    info = helper.make_tensor_value_info
    wide, narrow = TensorProto.INT64, TensorProto.INT32
    model.graph.input.extend(
        (
            info(SEQUENCES, wide, [1]),
            info(EACH, wide, [1]),
            info(POSITIONS, wide, [None]),
            info(LAST_ROWS, narrow, [None]),
            info(LONGEST, narrow, []),
        )
    )
    return PlainGraph(model)
