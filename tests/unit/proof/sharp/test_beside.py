"""What a graph makes of constants alone: of few kinds, and no more than is bounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from app.proof.sharp.graph import NotCoveredError, StageGraph
from app.proof.sharp.one_row import MOST_NUMBERS, made_beside
from app.proof.weights.proven import ProvenWeights

Node = tuple[str, list[str], dict[str, Any]]


def graph_of(constants: dict[str, Any], *nodes: Node) -> StageGraph:
    """Return a graph whose nodes make `made.0`, `made.1` and so on."""
    made = [
        helper.make_node(kind, inputs, [f"made.{number}"], **attributes)
        for number, (kind, inputs, attributes) in enumerate(nodes)
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "t", 4])
        for name in ("hidden_in", "hidden_out")
    ]
    made.append(helper.make_node("Relu", ["hidden_in"], ["hidden_out"]))
    stored = [numpy_helper.from_array(np.asarray(each), name) for name, each in constants.items()]
    graph = helper.make_graph(made, "beside", ends[:1], ends[1:], stored)
    return StageGraph(helper.make_model(graph).SerializeToString(), ProvenWeights((), ()))


def last_made(graph: StageGraph, position: int = 0) -> np.ndarray:
    return made_beside(graph, f"made.{len(graph.nodes) - 2}", position)


def test_positions_and_biases_are_made_as_a_row_alone_has_them() -> None:
    graph = graph_of(
        {"zero": 0, "one": 1, "slopes": np.array([[0.5], [0.25]], np.float32)},
        ("Cast", ["total_len"], {"to": TensorProto.INT64}),
        ("Range", ["zero", "made.0", "one"], {}),
        ("Cast", ["made.1"], {"to": TensorProto.FLOAT}),
        ("Mul", ["made.2", "slopes"], {}),
    )
    expected = np.array([[0, 0.5, 1, 1.5], [0, 0.25, 0.5, 0.75]], np.float32)
    made = last_made(graph, 3)
    assert made.dtype == np.float32
    assert np.array_equal(made, expected)


LARGE = MOST_NUMBERS + 1
SIDE = 1 << 12
TOO_MUCH: dict[str, tuple[dict[str, Any], list[Node]]] = {
    "range": (
        {"a": np.array(0), "b": np.array(10**12), "c": np.array(1)},
        [("Range", ["a", "b", "c"], {})],
    ),
    "expand": (
        {"a": np.zeros(1, np.float32), "n": np.array([10**6, 10**6])},
        [("Expand", ["a", "n"], {})],
    ),
    "product": (
        {"a": np.zeros((SIDE, 1), np.float32), "b": np.zeros((1, SIDE), np.float32)},
        [("Mul", ["a", "b"], {})],
    ),
    "gather": (
        {"a": np.zeros((2, SIDE), np.float32), "n": np.zeros(SIDE, np.int64)},
        [("Gather", ["a", "n"], {})],
    ),
    "doubling": (
        {"a": np.zeros(2, np.float32)},
        [("Concat", [f"made.{each - 1}" if each else "a"] * 2, {"axis": 0}) for each in range(40)],
    ),
    "many": (
        {"a": np.zeros(1 << 16, np.float32)},
        [
            ("Add", ["a", f"made.{each - 1}" if each else "a"], {})
            for each in range(1 + (MOST_NUMBERS >> 16))
        ],
    ),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much_is_refused_before_it_is_made(name: str) -> None:
    constants, nodes = TOO_MUCH[name]
    with pytest.raises(NotCoveredError):
        last_made(graph_of(constants, *nodes))


UNKNOWN: list[Node] = [
    ("ConstantOfShape", ["n"], {}),
    ("Loop", ["n", "n"], {}),
    ("Tile", ["n", "n"], {}),
    ("Cast", ["n"], {"to": TensorProto.INT64, "saturate": 0}),
    ("Shape", ["n"], {}),
]


@pytest.mark.parametrize("node", UNKNOWN, ids=lambda each: str(each[0]))
def test_other_kinds_of_operators_are_not_run(node: Node) -> None:
    with pytest.raises(NotCoveredError):
        last_made(graph_of({"n": np.array([2])}, node))
