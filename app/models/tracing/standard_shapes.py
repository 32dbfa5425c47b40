"""Shapes of what ONNX's own operators put out, by onnx's inference, one node after the other.

Inference asks for the values of shape tensors, so small integers are computed on the way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, defs, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

MAXIMUM_KNOWN = 64
"""Elements of an integer tensor whose values are followed; shapes are shorter."""


@dataclass(frozen=True)
class Value:
    """What is known of a value: its shape and its type."""

    shape: tuple[int, ...]
    element: np.dtype[Any]

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole value."""
        return math.prod(self.shape) * self.element.itemsize


class StandardShapes:
    """Infers nodes of one opset; remembers the values of small integers."""

    def __init__(self, opset: int, known: Mapping[str, NDArray[Any]]) -> None:
        self._opset = opset
        self._known = dict(known)

    def infers(self, node: onnx.NodeProto) -> bool:
        """Return whether the operator is one of ONNX's own."""
        return not node.domain and defs.has(node.op_type, self._opset, "")

    def infer(self, node: onnx.NodeProto, inputs: Mapping[str, Value]) -> dict[str, Value]:
        """Return what the node puts out, by name."""
        types = {name: _type(value) for name, value in inputs.items()}
        data = {
            name: numpy_helper.from_array(self._known[name], name)
            for name in inputs
            if name in self._known
        }
        schema = onnx.defs.get_schema(node.op_type, self._opset, "")
        found = shape_inference.infer_node_outputs(
            schema, node, types, data, opset_imports=[helper.make_opsetid("", self._opset)]
        )
        outputs = {name: _value(found[name]) for name in node.output if name}
        self._compute(node, inputs, outputs)
        return outputs

    def _compute(
        self, node: onnx.NodeProto, inputs: Mapping[str, Value], outputs: Mapping[str, Value]
    ) -> None:
        """Compute small integers from small integers, and shapes from shapes."""
        if node.op_type == "Shape":
            (source,) = inputs.values()
            self._known[node.output[0]] = _cut(source.shape, node)
            return
        is_small = all(
            value.element.kind in "iub" and math.prod(value.shape) <= MAXIMUM_KNOWN
            for value in outputs.values()
        )
        if is_small and inputs and all(name in self._known for name in inputs):
            feeds = {name: self._known[name] for name in inputs}
            results = ReferenceEvaluator(node).run(None, feeds)
            self._known.update(zip(node.output, map(np.asarray, results), strict=True))


def _cut(shape: Sequence[int], node: onnx.NodeProto) -> NDArray[np.int64]:
    attributes = {each.name: each.i for each in node.attribute}
    first, after = attributes.get("start", 0), attributes.get("end", len(shape))
    return np.array(shape[first:after], np.int64)


def _type(value: Value) -> onnx.TypeProto:
    return helper.make_tensor_type_proto(
        helper.np_dtype_to_tensor_dtype(value.element), value.shape
    )


def _value(found: onnx.TypeProto) -> Value:
    kind = found.tensor_type
    shape = tuple(dimension.dim_value for dimension in kind.shape.dim)
    return Value(shape, np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type)))


def small_constants(protos: Mapping[str, TensorProto]) -> dict[str, NDArray[Any]]:
    """Return the values of those constants that a shape can depend on."""
    return {
        name: numpy_helper.to_array(proto)
        for name, proto in protos.items()
        if proto.data_location != TensorProto.EXTERNAL and math.prod(proto.dims) <= MAXIMUM_KNOWN
    }
