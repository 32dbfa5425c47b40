"""One row of a stage: what its operators read, from opened states, weights and positions.

A row is looked at as if it came alone, as in decoding: nothing but attention mixes rows.
Graphs come from strangers too: of what they make of constants and lengths alone few kinds of
operators are known, and how much it is is bounded before it is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from onnx import helper

from app.proof.sharp.graph import LENGTHS, NotCoveredError, Operator, StageGraph
from workers.protocol.wire import Tensor

MOST_NUMBERS: Final = 1 << 22
"""Of all that is made for one value: biases of 32 heads over 30,000 rows are fewer."""
_Inputs = Sequence[Tensor]


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
            return made_beside(self.graph, name, self.position)
        if self.graph.is_view(maker):
            return self._seen(maker, name)
        if name in self.graph.bent_sums:
            total: Tensor = np.add(*(self.value(each).ravel() for each in maker.inputs))
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


def made_beside(graph: StageGraph, name: str, position: int, rows: int = 1) -> Tensor:
    """Return what is made of lengths and constants, for so many rows that come together.

    The last of them has the position; with one it is as if that came alone. Raises
    `NotCoveredError` for operators that are not known, or that make too much.
    """
    lengths = (np.array([position], np.int32), np.array(position + 1, np.int32))
    known: dict[str, Tensor] = dict(zip(LENGTHS, lengths, strict=True))
    left = MOST_NUMBERS
    for node in _needed(graph, name):
        _require_known(node)
        if node.kind == "Shape":
            known[node.outputs[0]] = np.array([rows], np.int64)
            continue
        inputs = [
            graph.weight(each) if graph.is_weight(each) else known[each] for each in node.inputs
        ]
        left -= max(_numbers(node, inputs), 1)
        if left < 0:
            raise NotCoveredError(node.name)
        known[node.outputs[0]] = np.asarray(_KINDS[node.kind](node, inputs))
    return known[name]


def _needed(graph: StageGraph, name: str) -> Sequence[Operator]:
    """Return what a value is made by, in order."""
    nodes, wanted = [], {name}
    for node in reversed(graph.nodes):
        if not wanted.isdisjoint(node.outputs):
            nodes.append(node)
            if node.kind != "Shape":
                wanted.update(node.inputs)
    return nodes[::-1]


def _require_known(node: Operator) -> None:
    attributes = _ATTRIBUTES.get(node.kind, frozenset())
    if node.kind == "Shape":
        if (node.attributes.get("start"), node.attributes.get("end")) != (1, 2):
            raise NotCoveredError(node.name)
    elif node.kind not in _KINDS or not attributes.issuperset(node.attributes):
        raise NotCoveredError(node.name)


def _numbers(node: Operator, inputs: _Inputs) -> int:
    """Return how many numbers an operator makes, at most."""
    match node.kind:
        case "Range":
            first, end, step = (each.item() for each in inputs)
            count: int = math.ceil((end - first) / step)
            return max(count, 0)
        case "Expand":
            shapes = inputs[0].shape, tuple(map(int, inputs[1]))
            return math.prod(np.broadcast_shapes(*shapes))
        case "Gather":
            rows, numbers = inputs
            axis = node.attributes.get("axis", 0)
            return int(rows.size // max(rows.shape[axis], 1) * numbers.size)
        case "Add" | "Sub" | "Mul" | "Max" | "Less" | "Where" | "Clip":
            return math.prod(np.broadcast_shapes(*(each.shape for each in inputs)))
        case _:
            return sum(each.size for each in inputs)


def _cast(node: Operator, inputs: _Inputs) -> Tensor:
    (value,) = inputs
    return value.astype(helper.tensor_dtype_to_np_dtype(node.attributes["to"]))


def _range(_node: Operator, inputs: _Inputs) -> Tensor:
    first, end, step = (each.item() for each in inputs)
    made: Tensor = np.arange(first, end, step, dtype=inputs[0].dtype)
    return made


def _gather(node: Operator, inputs: _Inputs) -> Tensor:
    rows, numbers = inputs
    return rows.take(numbers, node.attributes.get("axis", 0))


def _squeeze(_node: Operator, inputs: _Inputs) -> Tensor:
    return np.squeeze(inputs[0], tuple(map(int, inputs[1])) if inputs[1:] else None)


def _unsqueeze(_node: Operator, inputs: _Inputs) -> Tensor:
    value, axes = inputs
    return np.expand_dims(value, tuple(map(int, axes)))


def _expand(_node: Operator, inputs: _Inputs) -> Tensor:
    value, shape = inputs
    return np.broadcast_to(value, np.broadcast_shapes(value.shape, tuple(map(int, shape))))


_KINDS: Final[Mapping[str, Callable[[Operator, _Inputs], Tensor]]] = {
    "Abs": lambda _node, inputs: np.abs(*inputs),
    "Add": lambda _node, inputs: np.add(*inputs),
    "Clip": lambda _node, inputs: np.clip(*inputs),
    "Less": lambda _node, inputs: np.less(*inputs),
    "Sub": lambda _node, inputs: np.subtract(*inputs),
    "Mul": lambda _node, inputs: np.multiply(*inputs),
    "Max": lambda _node, inputs: np.maximum(*inputs),
    "Cast": _cast,
    "Concat": lambda node, inputs: np.concatenate(inputs, node.attributes["axis"]),
    "Expand": _expand,
    "Gather": _gather,
    "Range": _range,
    "Squeeze": _squeeze,
    "Transpose": lambda node, inputs: np.transpose(inputs[0], node.attributes["perm"]),
    "Unsqueeze": _unsqueeze,
    "Where": lambda _node, inputs: np.where(*inputs),
}
_ATTRIBUTES: Final = {
    "Cast": frozenset({"to"}),
    "Concat": frozenset({"axis"}),
    "Gather": frozenset({"axis"}),
    "Transpose": frozenset({"perm"}),
}
