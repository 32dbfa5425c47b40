"""One row of a stage: what its operators read, from opened states, weights and positions.

A row is looked at as if it came alone, as in decoding: nothing but attention mixes rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from app.proof.sharp.graph import LENGTHS, NotCoveredError, Operator, StageGraph
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class OneRow:
    """`position` is its place in the sequence, `entered` what it came in as: a token or a row."""

    graph: StageGraph
    position: int
    entered: Tensor
    opened: Mapping[str, Tensor]
    """States of this row, `f4`, flat."""

    def value(self, name: str) -> Tensor:
        """Return what an operator reads: a flat row, a weight, or something made of the position.

        Raises `KeyError` for a state that was not opened.
        """
        if self.graph.is_weight(name):
            return self.graph.weight(name)
        if name == self.graph.input:
            return self.entered
        maker = self.graph.maker(name)
        if maker is None:
            raise NotCoveredError(name)
        if name in self.graph.beside:
            return self._beside(name)
        if self.graph.is_view(maker):
            return self._seen(maker, name)
        if name in self.graph.bent_sums:
            total: Tensor = np.add(*(self.value(each) for each in maker.inputs))
            return total
        return self.opened[name]

    def _seen(self, maker: Operator, name: str) -> Tensor:
        row = self.value(maker.inputs[0])
        if maker.kind != "Split":
            return row
        widths = np.cumsum(self.graph.weight(maker.inputs[1]))
        if maker.attributes.get("axis", 0) != -1 or widths[-1] != len(row):
            raise NotCoveredError(maker.name)
        return np.split(row, widths[:-1])[maker.outputs.index(name)]

    def _beside(self, name: str) -> Tensor:
        """Compute positions, and biases that follow from them, as for a single row."""
        nodes, wanted, constants = [], {name}, {}
        for node in reversed(self.graph.nodes):
            if wanted.isdisjoint(node.outputs):
                continue
            if node.kind == "Shape":
                constants[node.outputs[0]] = _one_row_long(node)
                continue
            wanted.update(filter(None, node.inputs))
            nodes.append(_written(node))
        constants |= {
            each: self.graph.weight(each) for each in wanted if self.graph.is_weight(each)
        }
        graph = helper.make_graph(
            list(reversed(nodes)),
            "beside",
            [helper.make_tensor_value_info(each, TensorProto.INT32, None) for each in LENGTHS],
            [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None)],
            [numpy_helper.from_array(np.asarray(each), key) for key, each in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
        lengths = (np.array([self.position], np.int32), np.array(self.position + 1, np.int32))
        feeds: dict[str, Any] = dict(zip(LENGTHS, lengths, strict=True))
        (found,) = ReferenceEvaluator(model).run([name], feeds)
        return np.asarray(found)


def _one_row_long(node: Operator) -> Tensor:
    if (node.attributes.get("start"), node.attributes.get("end")) != (1, 2):
        raise NotCoveredError(node.name)
    return np.array([1], np.int64)


def _written(node: Operator) -> Any:  # noqa: ANN401 - a node of a library without types
    return helper.make_node(node.kind, node.inputs, node.outputs, **node.attributes)
