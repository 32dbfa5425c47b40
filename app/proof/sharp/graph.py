"""A stage's graph as a sharp test walks it: operators, the states between them, its weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import onnx
from onnx import helper, numpy_helper

from app.proof.weights.source import FolderWeights, StoredPlace, Weights
from workers.protocol.span_shape import FINAL_ROW
from workers.protocol.wire import Tensor

INPUTS: Final = ("input_ids", "hidden_in")
LENGTHS: Final = ("seqlens_k", "total_len")
CODED_PRODUCT: Final = "MatMulNBits"
PRESENT: Final = "present."
CODES_SUFFIX: Final = ".codes"
EXPERTS: Final = "Experts"
"""What stands for a layer of experts. Which of them a row goes to is a jump
(`app.proof.router_ties`), so that states between a router's scores and the sum of what experts made
are nobody's to compare: that all is one operator. Everything else is judged."""
_TOP: Final = "TopK"
_VIEWS: Final = frozenset({"Split", "Reshape"})
"""What only shows a row in another form; the last row of a step (`Gather`) is another such."""


class NotCoveredError(Exception):
    """An operator, or a use of one, that cannot be recomputed here; the text names it."""


@dataclass(frozen=True)
class Operator:
    """One node. `number` is its place in the graph."""

    number: int
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(compare=False)

    @property
    def name(self) -> str:
        """What people know it by: its kind, with its weights or what it makes."""
        weights = (each for each in self.inputs if each.startswith(("layer.", "head", "embed")))
        name = next(weights, self.outputs[0])
        return f"{self.kind} {name.removesuffix(CODES_SUFFIX)}"


class StageGraph:
    """One shard's graph; its weights come from where they are when they are needed."""

    def __init__(self, content: bytes, weights: Weights) -> None:
        """Read a graph. Its nodes are in the order in which they are computed."""
        graph = onnx.load_model_from_string(content).graph
        self._weights = weights
        self._stored = {each.name: each for each in graph.initializer}
        self._arrays: dict[str, Tensor] = {}
        nodes = [_operator(number, node) for number, node in enumerate(graph.node)]
        self.nodes = _without_experts(nodes)
        self.outputs: tuple[str, ...] = tuple(each.name for each in graph.output)
        self._makers = {name: node for node in self.nodes for name in node.outputs}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a graph whose weights lie in files beside it."""
        return cls(path.read_bytes(), FolderWeights(path.parent))

    @cached_property
    def input(self) -> str:
        """The value that tokens or hidden states come in by."""
        used = {name for node in self.nodes for name in node.inputs}
        (name,) = used.intersection(INPUTS)
        return name

    @cached_property
    def output(self) -> str:
        """The value that the stage answers with."""
        beside = (FINAL_ROW, PRESENT)
        (name,) = (name for name in self.outputs if not name.startswith(beside))
        return name

    @cached_property
    def final_state(self) -> str | None:
        """The state whose last row of a step goes into the head; None where none is shown."""
        if FINAL_ROW not in self.outputs:
            return None
        return next(self.sources(FINAL_ROW), None)

    @cached_property
    def is_quantized(self) -> bool:
        """Whether some of its products are with codes."""
        return any(node.kind == CODED_PRODUCT for node in self.nodes)

    @cached_property
    def mixture(self) -> Operator | None:
        """A layer of experts, the first; None where there is none."""
        return next((node for node in self.nodes if node.kind == EXPERTS), None)

    @cached_property
    def beside(self) -> frozenset[str]:
        """Values made of lengths and constants alone, such as positions: they are no states."""
        known = {*self._stored, *LENGTHS}
        for node in self.nodes:
            if node.kind == "Shape" or known.issuperset(filter(None, node.inputs)):
                known.update(node.outputs)
        return frozenset(known - self._stored.keys())

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """What computes states."""
        return tuple(
            node
            for node in self.nodes
            if not self.is_view(node)
            and self.beside.isdisjoint(node.outputs)
            and self._unseen.isdisjoint(node.outputs)
        )

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The values that a phone signs for, in order."""
        return tuple(name for operator in self.operators for name in operator.outputs if name)

    @cached_property
    def by_step(self) -> frozenset[str]:
        """States that have a row for each step only: that of its last token."""
        found: set[str] = set()
        for node in self.nodes:
            takes_last = node.kind == "Gather" and self.is_view(node)
            if takes_last or not found.isdisjoint(node.inputs):
                found.update(node.outputs)
        return frozenset(found)

    @cached_property
    def _readers(self) -> Mapping[str, Sequence[Operator]]:
        readers: dict[str, list[Operator]] = {}
        for node in self.nodes:
            for name in node.inputs:
                readers.setdefault(name, []).append(node)
        return readers

    @cached_property
    def bent_sums(self) -> frozenset[str]:
        """Sums with a bias that nothing reads but a `Gelu`; see `_unseen`."""
        return frozenset(
            node.outputs[0]
            for node in self.nodes
            if self._adds_bias(node) and self._read_by(node) == ["Gelu"]
        )

    @cached_property
    def _unseen(self) -> frozenset[str]:
        """Values that are never made, as onnxruntime makes one operator of two.

        Were they put out, it would not, and what follows would have other bits: sums of a bias that
        go into a `Gelu`, and products that go into a sum with a bias.
        """
        products = (
            node.outputs[0]
            for node in self.nodes
            if node.kind == CODED_PRODUCT and self._read_by(node) == ["Add"]
        )
        into_sums = (name for name in products if self._adds_bias(self._readers[name][0]))
        return self.bent_sums.union(
            name for name in into_sums if self.bent_sums.isdisjoint(self._readers[name][0].outputs)
        )

    def _read_by(self, node: Operator) -> list[str]:
        return [reader.kind for reader in self._readers.get(node.outputs[0], ())]

    def _adds_bias(self, node: Operator) -> bool:
        return node.kind == "Add" and self.is_weight(node.inputs[1])

    def product_in(self, operator: Operator) -> Operator | None:
        """Return the product that an operator is, or adds a bias to; None where it is another."""
        if operator.kind == CODED_PRODUCT:
            return operator
        maker = self.maker(operator.inputs[0])
        unseen = maker is not None and not self._unseen.isdisjoint(maker.outputs)
        return maker if unseen and maker and maker.kind == CODED_PRODUCT else None

    def is_view(self, node: Operator) -> bool:
        """Tell whether an operator computes nothing."""
        last = node.kind == "Gather" and node.attributes.get("axis", 0) == 1
        return node.kind in _VIEWS or last

    def maker(self, name: str) -> Operator | None:
        """Return what makes a value; None for inputs and weights."""
        return self._makers.get(name)

    def sources(self, name: str) -> Iterator[str]:
        """Yield the states that a value is, or is a form of; none for inputs and weights."""
        maker = self.maker(name)
        if maker is None or name in self.beside:
            return
        if self.is_view(maker) or name in self._unseen:
            yield from self.sources(maker.inputs[0])
        else:
            yield name

    def is_weight(self, name: str) -> bool:
        """Tell whether a value is stored."""
        return name in self._stored

    def weight(self, name: str) -> Tensor:
        """Return a stored tensor, mapped and not read where it lies in a file of its own."""
        if name not in self._arrays:
            self._arrays[name] = self._read(self._stored[name])
        return self._arrays[name]

    def weight_rows(self, name: str, numbers: Sequence[int]) -> Tensor:
        """Return some rows of a stored tensor. Raises `IndexError` for one that it has not."""
        place = _place(self._stored[name])
        if place is not None:
            return self._weights.rows(place, numbers)
        rows = self.weight(name)
        if not all(0 <= number < len(rows) for number in numbers):
            raise IndexError(name)
        some: Tensor = rows[list(numbers)]
        return some

    def weight_shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a stored tensor, which is not read for it."""
        return tuple(self._stored[name].dims)

    def leaves(self, rows: int, steps: int) -> int:
        """Return how many leaves there are after so many rows in so many steps."""
        return sum(self._count(name, rows, steps) for name in self.states)

    def leaf(self, state: str, place: int, rows: int, steps: int) -> int:
        """Return the leaf of a row (of a step, where the state has one for each) of a state."""
        rows_before, steps_before = self._before[state]
        return rows_before * rows + steps_before * steps + place

    @cached_property
    def _before(self) -> Mapping[str, tuple[int, int]]:
        """How many states before each have a row for each row, and how many one for each step."""
        rows = steps = 0
        found: dict[str, tuple[int, int]] = {}
        for name in self.states:
            found[name] = (rows, steps)
            rows, steps = rows + (name not in self.by_step), steps + (name in self.by_step)
        return found

    def _count(self, state: str, rows: int, steps: int) -> int:
        return steps if state in self.by_step else rows

    def _read(self, tensor: onnx.TensorProto) -> Tensor:
        place = _place(tensor)
        if place is not None:
            return self._weights.whole(place)
        array: Tensor = numpy_helper.to_array(tensor)
        return array


def _place(tensor: onnx.TensorProto) -> StoredPlace | None:
    """Return where a weight lies outside of the graph; None where it lies in it."""
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return None
    places = {each.key: each.value for each in tensor.external_data}
    element = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    offset_bytes = int(places.get("offset", 0))
    return StoredPlace(places["location"], offset_bytes, element, tuple(tensor.dims))


def _operator(number: int, node: onnx.NodeProto) -> Operator:
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return Operator(number, node.op_type, tuple(node.input), tuple(node.output), attributes)


def _without_experts(nodes: Sequence[Operator]) -> tuple[Operator, ...]:
    """Return a graph's nodes, in order, with one in the place of all that mix experts.

    It reads the rows that came to them, and makes what they add up to.
    """
    makers = {name: node for node in nodes for name in node.outputs}
    chosen = {_scores(node, makers) for node in nodes if node.kind == _TOP} - {""}
    kept: list[Operator] = []
    for node in nodes:
        if chosen.isdisjoint(node.inputs):
            kept.append(node)
        elif (hidden := _given_back(node, makers)) is None:
            chosen.update(node.outputs)
        else:
            kept.append(_mixture(node, hidden))
    return tuple(kept)


def _scores(node: Operator, makers: Mapping[str, Operator]) -> str:
    """Return what a choice of the largest is made by: scores, before they are made shares of."""
    while True:
        name = _input(node, 0)
        maker = makers.get(name)
        if maker is None or maker.kind != "Softmax" or maker.number >= node.number:
            return name
        node = maker


def _input(node: Operator, place: int) -> str:
    """Return what a node reads there; empty where it reads nothing, as a stranger's may."""
    return node.inputs[place] if place < len(node.inputs) else ""


def _given_back(node: Operator, makers: Mapping[str, Operator]) -> str | None:
    """Return the rows whose shape a sum is brought into, where that is what a node does."""
    if node.kind != "Reshape":
        return None
    shape = makers.get(_input(node, 1))
    return _input(shape, 0) or None if shape is not None and shape.kind == "Shape" else None


def _mixture(node: Operator, hidden: str) -> Operator:
    return type(node)(node.number, EXPERTS, (hidden,), node.outputs, {})
