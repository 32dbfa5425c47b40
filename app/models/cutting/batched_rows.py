"""Takes the rows of several sequences apart around attention, and puts them together behind it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper

from app.models.cutting.plain_graph.graph_parts import (
    EACH,
    LAST_ROWS,
    LONGEST,
    SEQUENCES,
    TOKENS,
    PlainGraph,
    with_nodes,
)
from app.models.cutting.plain_graph.interface import ATTENTION

_LAST_INPUT, _TOTAL_INPUT, _LAST_TABLE, _PLACES_INPUT = 5, 6, 8, 9
_APART, _PLACES_APART, _BEHIND = "batch.apart", "batch.places", "batch.behind"
_ANY, _ONE, _ZERO, _NONE = "batch.any", "batch.one", "batch.zero", "batch.none"
_LONGEST, _PADS, _PADDED = "batch.longest.wide", "batch.pads", ".padded"


def with_batched_rows(graph: PlainGraph) -> onnx.ModelProto:
    """Return the graph whose attention has each sequence's rows apart."""
    nodes = [
        helper.make_node("Concat", [SEQUENCES, EACH, _ANY], [_APART], axis=0),
        helper.make_node("Concat", [SEQUENCES, EACH], [_PLACES_APART], axis=0),
        helper.make_node("Concat", [_ONE, TOKENS, _ANY], [_BEHIND], axis=0),
        helper.make_node("Cast", [LONGEST], [_LONGEST], to=TensorProto.INT64),
        helper.make_node("Reshape", [_LONGEST, _ANY], [_LONGEST + ".flat"]),
        helper.make_node("Concat", [_NONE, _LONGEST + ".flat", _ZERO], [_PADS], axis=0),
    ]
    long_enough: set[str] = set()
    for node in graph.nodes:
        if node.op_type != ATTENTION:
            nodes.append(node)
            continue
        tables = _padded_tables(graph, node)
        new = {name: rows for name, rows in tables.items() if name not in long_enough}
        long_enough.update(new)
        nodes += [
            helper.make_node("Pad", [rows, _PADS], [name + _PADDED]) for name, rows in new.items()
        ]
        nodes += _own_rows(node, tables)
    constants = {
        _ANY: np.array([-1], np.int64),
        _ONE: np.array([1], np.int64),
        _ZERO: np.array([0], np.int64),
        _NONE: np.array([0, 0], np.int64),
    }
    return with_nodes(graph, nodes, constants)


def _padded_tables(graph: PlainGraph, node: onnx.NodeProto) -> Mapping[str, str]:
    """Return an attention's tables that hold this step's rows, with what is in front of the rest.

    The operator wants as many rows as there are tokens; exporters fill the tables up.
    """
    if not any(node.input[_PLACES_INPUT:]):
        return {}
    found = {}
    for name in node.input[_LAST_TABLE - 1 : _LAST_TABLE + 1]:
        producer = graph.producers.get(name)
        if producer is not None and producer.op_type == "Concat" and len(producer.input) == 2:
            filling = graph.producers.get(producer.input[1])
            if filling is not None and filling.op_type == "Expand":
                found[name] = producer.input[0]
    return found


def _own_rows(node: onnx.NodeProto, padded: Mapping[str, str]) -> list[onnx.NodeProto]:
    own = onnx.NodeProto()
    own.CopyFrom(node)
    own.input[:] = [name + _PADDED if name in padded else name for name in node.input]
    nodes = []
    for index, shape in {**dict.fromkeys(range(3), _APART), _PLACES_INPUT: _PLACES_APART}.items():
        if any(node.input[index : index + 1]):
            own.input[index] = f"{node.output[0]}.apart.{index}"
            nodes.append(
                helper.make_node("Reshape", [node.input[index], shape], [own.input[index]])
            )
    own.input[_LAST_INPUT], own.input[_TOTAL_INPUT] = LAST_ROWS, LONGEST
    own.output[0] = f"{node.output[0]}.apart"
    behind = helper.make_node("Reshape", [own.output[0], _BEHIND], [node.output[0]])
    return [*nodes, own, behind]
