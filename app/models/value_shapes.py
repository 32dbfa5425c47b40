"""Shapes of all values of a graph when it decodes one token with its context full.

onnx's own inference stops at operators of onnxruntime's domain; these rules know the operators that
`app.models` writes, and no others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper

from app.models.graph import LENGTHS, TOTAL_LENGTH
from app.models.quantization import BLOCK_COLUMNS

_BROADCAST = ("Add", "Mul", "Sub", "Div", "Max")


@dataclass(frozen=True)
class Value:
    """What is known of a value: its shape and its type."""

    shape: tuple[int, ...]
    element: np.dtype[Any]

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole value."""
        return math.prod(self.shape) * self.element.itemsize


class ValueShapes:
    """Follows a graph node by node."""

    def __init__(
        self,
        initializers: Mapping[str, onnx.TensorProto],
        inputs: Mapping[str, Value],
        context: int,
    ) -> None:
        self._initializers = initializers
        self._values = dict(inputs)
        self._context = context
        self._values[LENGTHS] = Value((1,), np.dtype(np.int32))
        self._values[TOTAL_LENGTH] = Value((), np.dtype(np.int32))

    def __getitem__(self, name: str) -> Value:
        if name in self._initializers:
            proto = self._initializers[name]
            element = np.dtype(helper.tensor_dtype_to_np_dtype(proto.data_type))
            return Value(tuple(proto.dims), element)
        return self._values[name]

    def follow(self, node: onnx.NodeProto) -> None:
        """Add the values that a node puts out; its inputs must be known."""
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        inputs = [self[name] for name in node.input if name]
        if node.op_type == "GroupQueryAttention":
            self._follow_attention(node, attributes)
        elif node.op_type == "Split":
            widths = self._constant(node.input[1])
            for name, width in zip(node.output, widths, strict=True):
                shape = (*inputs[0].shape[:-1], int(width))
                self._values[name] = Value(shape, inputs[0].element)
        else:
            self._values[node.output[0]] = self._single(node, inputs, attributes)

    def _single(
        self, node: onnx.NodeProto, inputs: Sequence[Value], attributes: Mapping[str, Any]
    ) -> Value:
        kind, first = node.op_type, inputs[0]
        if kind in _BROADCAST:
            shape = np.broadcast_shapes(*(each.shape for each in inputs))
            return Value(shape, first.element)
        if kind == "Cast":
            return Value(first.shape, np.dtype(helper.tensor_dtype_to_np_dtype(attributes["to"])))
        if kind == "Shape":
            return Value((attributes["end"] - attributes["start"],), np.dtype(np.int64))
        if kind == "Range":
            count = self._context if node.input[1] == TOTAL_LENGTH else 1
            return Value((count,), first.element)
        if kind == "Reshape":
            return Value(_reshaped(first.shape, self._constant(node.input[1])), first.element)
        rule = _RULES.get(kind, _same)
        element = inputs[-1].element if kind == "GatherBlockQuantized" else first.element
        return Value(rule(inputs, attributes), element)

    def _follow_attention(self, node: onnx.NodeProto, attributes: Mapping[str, Any]) -> None:
        heads, past = attributes["num_heads"], self[node.input[3]]
        hidden = self[node.input[0]]
        width = heads * past.shape[-1]
        self._values[node.output[0]] = Value((*hidden.shape[:-1], width), hidden.element)
        for name in node.output[1:]:
            self._values[name] = past

    def _constant(self, name: str) -> list[int]:
        return [int(each) for each in onnx.numpy_helper.to_array(self._initializers[name])]


def _same(inputs: Sequence[Value], _attributes: Mapping[str, Any]) -> tuple[int, ...]:
    return inputs[0].shape


def _gathered(inputs: Sequence[Value], attributes: Mapping[str, Any]) -> tuple[int, ...]:
    axis, shape = attributes.get("axis", 0), inputs[0].shape
    return (*shape[:axis], *inputs[1].shape, *shape[axis + 1 :])


def _looked_up(inputs: Sequence[Value], _attributes: Mapping[str, Any]) -> tuple[int, ...]:
    return (*inputs[1].shape, inputs[2].shape[-1] * BLOCK_COLUMNS)


def _multiplied(inputs: Sequence[Value], _attributes: Mapping[str, Any]) -> tuple[int, ...]:
    return (*inputs[0].shape[:-1], inputs[1].shape[0])


def _reduced(inputs: Sequence[Value], _attributes: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape without the tokens' axis, the only one that models reduce."""
    batch, _tokens, *rest = inputs[0].shape
    return (batch, *rest)


def _concatenated(inputs: Sequence[Value], _attributes: Mapping[str, Any]) -> tuple[int, ...]:
    return (sum(each.shape[0] for each in inputs),)


def _squeezed(_inputs: Sequence[Value], _attributes: Mapping[str, Any]) -> tuple[int, ...]:
    return ()


def _unsqueezed(inputs: Sequence[Value], _attributes: Mapping[str, Any]) -> tuple[int, ...]:
    return (*inputs[0].shape, 1)


def _reshaped(shape: Sequence[int], target: Sequence[int]) -> tuple[int, ...]:
    kept = [shape[index] if size == 0 else size for index, size in enumerate(target)]
    rest = math.prod(shape) // math.prod(size for size in kept if size != -1)
    return tuple(rest if size == -1 else size for size in kept)


_RULES: Mapping[str, Callable[[Sequence[Value], Mapping[str, Any]], tuple[int, ...]]] = {
    "Gather": _gathered,
    "GatherBlockQuantized": _looked_up,
    "FusedMatMul": _multiplied,
    "MatMulNBits": _multiplied,
    "ReduceMean": _reduced,
    "ReduceMax": _reduced,
    "Concat": _concatenated,
    "Squeeze": _squeezed,
    "Unsqueeze": _unsqueezed,
}
