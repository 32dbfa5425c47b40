"""A plain decoder graph: what a cut reads and what is kept of it with the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from app.models.cutting.plain_graph.onnx_file import shapes_of
from app.models.cutting.plain_graph.simplification import opset_of

TOKENS = "length.tokens"
PAST = "length.past"
ALL = "length.all"
"""Inputs of the plain graph, int64 [1]: tokens of this step, tokens cached before, their sum."""
LENGTHS = (TOKENS, PAST, ALL)
SEQUENCES = "batch.sequences"
EACH = "batch.tokens"
POSITIONS = "batch.positions"
LAST_ROWS = "batch.last"
LONGEST = "batch.longest"
"""Inputs of a graph that takes batches: int64 [1], sequences and tokens of each; int64 [tokens],
each token's place; int32 [sequences], each one's last place; an int32, the longest one's tokens."""
BATCH = (SEQUENCES, EACH, POSITIONS, LAST_ROWS, LONGEST)


def past_name(layer: int, part: str) -> str:
    """Return the name of a layer's cache, `part` being `key` or `value`."""
    return f"past.{layer}.{part}"


@dataclass(frozen=True)
class PlainGraph:
    """A view of a plain model: its inputs are `input_ids`, the three lengths, and the caches."""

    model: onnx.ModelProto

    @cached_property
    def nodes(self) -> tuple[onnx.NodeProto, ...]:
        """The nodes, each after those it reads from."""
        return tuple(self.model.graph.node)

    @cached_property
    def constants(self) -> Mapping[str, onnx.TensorProto]:
        """Weights and constants by name."""
        return {proto.name: proto for proto in self.model.graph.initializer}

    @cached_property
    def producers(self) -> Mapping[str, onnx.NodeProto]:
        """The node that puts each value out."""
        return {name: node for node in self.nodes for name in node.output if name}

    @cached_property
    def readers(self) -> Mapping[str, list[onnx.NodeProto]]:
        """The nodes that read each value."""
        readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.input):
                readers.setdefault(name, []).append(node)
        return readers

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int | str | None, ...]]:
        """What is known of the values' shapes."""
        return shapes_of(self.model)

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        return opset_of(self.model)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(value.name for value in self.model.graph.input)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return tuple(value.name for value in self.model.graph.output)

    def needed_for(self, values: Iterable[str], known: frozenset[str]) -> list[onnx.NodeProto]:
        """Return the nodes, in order, that compute values from known ones and from inputs."""
        wanted = [name for name in values if name not in known]
        chosen: dict[int, onnx.NodeProto] = {}
        while wanted:
            node = self.producers.get(wanted.pop())
            if node is None or self.place(node) in chosen:
                continue
            chosen[self.place(node)] = node
            wanted += [name for name in node.input if name and name not in known]
        return [chosen[place] for place in sorted(chosen)]

    def place(self, node: onnx.NodeProto) -> int:
        """Return a node's place in the order."""
        return self._places[node.output[0]]

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {name: index for index, node in enumerate(self.nodes) for name in node.output}


def with_nodes(
    graph: PlainGraph,
    nodes: Iterable[onnx.NodeProto],
    constants: Mapping[str, NDArray[np.generic]],
) -> onnx.ModelProto:
    """Return a copy of a graph with other nodes and further constants."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constants.items()
    )
    return model


def label(node: onnx.NodeProto) -> str:
    """Return how a fact names a node."""
    return f"{node.name or node.output[0]} ({node.op_type})"


def is_stub(proto: onnx.TensorProto) -> bool:
    """Return whether a constant's values are stored as a weight."""
    return bool(proto.data_location == onnx.TensorProto.EXTERNAL)
