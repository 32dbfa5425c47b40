"""What a cut graph may be asked: for how many positions, and for one row without the others."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import numpy_helper

from app.models.cutting.plain_graph.graph_parts import PlainGraph, is_stub
from app.models.cutting.plain_graph.interface import constant_attribute
from app.models.cutting.plain_graph.products import DOMAIN, LINEAR
from app.models.cutting.skeleton import Skeleton

_ROW_BY_ROW = frozenset(
    (
        *("Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Reciprocal", "Neg", "Abs", "Cast", "Clip"),
        *("Tanh", "Sigmoid", "Erf", "Relu", "Gelu", "Exp", "Where"),
        *("LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization"),
    )
)
"""Operators for which each row is a matter of its own, on values [batch, tokens, ...]."""
_LAST_AXES = (-1, 2)
_COSINES = {"GroupQueryAttention": 7, "RotaryEmbedding": 2}
"""Which input of an operator is a table with a row a position."""


def treats_rows_alone(graph: PlainGraph, nodes: Iterable[onnx.NodeProto]) -> bool:
    """Return whether nodes surely compute one token's row the same without the others."""
    return all(_is_row_by_row(graph, node) for node in nodes)


def _is_row_by_row(graph: PlainGraph, node: onnx.NodeProto) -> bool:
    if node.op_type in ("LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization"):
        return constant_attribute(node, "axis", -1) in _LAST_AXES
    if node.op_type == "ReduceMean":
        return _reduces_columns(graph, node)
    return node.op_type in _ROW_BY_ROW or (node.domain == DOMAIN and node.op_type == LINEAR)


def _reduces_columns(graph: PlainGraph, node: onnx.NodeProto) -> bool:
    attributes = {each.name: each for each in node.attribute}
    if "keepdims" in attributes and not attributes["keepdims"].i:
        return False
    if "axes" in attributes:
        return all(axis in _LAST_AXES for axis in attributes["axes"].ints)
    proto = graph.constants.get(node.input[1]) if len(node.input) > 1 else None
    if proto is None or is_stub(proto):
        return False
    axes = np.ravel(numpy_helper.to_array(proto))
    return bool(len(axes)) and all(axis in _LAST_AXES for axis in axes)


def positions_known(skeleton: Skeleton) -> int | None:
    """Return for how many positions the graph has rows stored, or None where it has no table."""
    tables = {name for node in skeleton.graph.nodes for name in _position_tables(skeleton, node)}
    rows = [skeleton.graph.constants[name].dims[0] for name in tables]
    return min(rows, default=None)


def _position_tables(skeleton: Skeleton, node: onnx.NodeProto) -> list[str]:
    constants = skeleton.graph.constants
    place = _COSINES.get(node.op_type)
    if node.op_type == "Gather" and not constant_attribute(node, "axis", 0):
        place = 0 if node.input[1] in skeleton.side_values else None
    names = node.input[place : place + 1] if place is not None else []
    return [name for name in names if name in constants and is_stub(constants[name])]
