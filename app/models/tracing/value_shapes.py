"""Shapes of all values of a graph when it decodes one token with its context full.

onnx's own inference stops at operators of onnxruntime's domain; the rules here know those that
`app.models` writes, and those that exporters fuse for onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from app.models.graphs.graph import LENGTHS, TOTAL_LENGTH
from app.models.quantization.block_wise import BLOCK_COLUMNS
from app.models.tracing.standard_shapes import StandardShapes, Value, small_constants

__all__ = ["Value", "ValueShapes"]

_LENGTH = np.dtype(np.int32)


class ValueShapes:
    """Follows a graph node by node."""

    def __init__(
        self,
        initializers: Mapping[str, onnx.TensorProto],
        inputs: Mapping[str, Value],
        context: int,
        opset: int,
    ) -> None:
        self._initializers = initializers
        lengths = {
            LENGTHS: np.array([context - 1], _LENGTH),
            TOTAL_LENGTH: np.array(context, _LENGTH),
        }
        self._values = {
            **inputs,
            **{name: Value(each.shape, _LENGTH) for name, each in lengths.items()},
        }
        self._standard = StandardShapes(opset, small_constants(initializers) | lengths)

    def __getitem__(self, name: str) -> Value:
        if name in self._initializers:
            proto = self._initializers[name]
            element = np.dtype(helper.tensor_dtype_to_np_dtype(proto.data_type))
            return Value(tuple(proto.dims), element)
        return self._values[name]

    def follow(self, node: onnx.NodeProto) -> None:
        """Add the values that a node puts out; its inputs must be known."""
        inputs = {name: self[name] for name in node.input if name}
        if self._standard.infers(node):
            self._values.update(self._standard.infer(node, inputs))
        elif node.op_type == "GroupQueryAttention":
            self._follow_attention(node)
        else:
            self._values[node.output[0]] = _single(node, list(inputs.values()))

    def _follow_attention(self, node: onnx.NodeProto) -> None:
        attributes = {each.name: each.i for each in node.attribute}
        past, hidden = self[node.input[3]], self[node.input[0]]
        width = attributes["num_heads"] * past.shape[-1]
        self._values[node.output[0]] = Value((*hidden.shape[:-1], width), hidden.element)
        for name in node.output[1:]:
            self._values[name] = past


def _single(node: onnx.NodeProto, inputs: Sequence[Value]) -> Value:
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    rule = _RULES.get(node.op_type, _same)
    element = inputs[-1].element if node.op_type == "GatherBlockQuantized" else inputs[0].element
    return Value(rule(inputs, attributes), element)


def _same(inputs: Sequence[Value], _attributes: Mapping[str, Any]) -> tuple[int, ...]:
    return inputs[0].shape


def _looked_up(inputs: Sequence[Value], _attributes: Mapping[str, Any]) -> tuple[int, ...]:
    return (*inputs[1].shape, inputs[2].shape[-1] * BLOCK_COLUMNS)


def _multiplied(inputs: Sequence[Value], attributes: Mapping[str, Any]) -> tuple[int, ...]:
    first, second = inputs[0].shape, inputs[1].shape
    if len(second) > 2:
        before = np.broadcast_shapes(first[:-2], second[:-2])
        rows = first[-1 if attributes.get("transA") else -2]
        return (*before, rows, second[-2 if attributes.get("transB") else -1])
    return (*first[:-1], second[0 if attributes.get("transB") else -1])


def _by_blocks(inputs: Sequence[Value], attributes: Mapping[str, Any]) -> tuple[int, ...]:
    return (*inputs[0].shape[:-1], attributes["N"])


_RULES: Mapping[str, Callable[[Sequence[Value], Mapping[str, Any]], tuple[int, ...]]] = {
    "GatherBlockQuantized": _looked_up,
    "FusedMatMul": _multiplied,
    "MatMulNBits": _by_blocks,
}
