"""Writes the nodes of a cut graph into a shard's graph, over the cache that workers bind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from app.models.cutting.batch_rows import apart, batch_lengths, one_behind_the_other
from app.models.cutting.plain_graph.graph_parts import ALL, PAST, TOKENS, is_stub, past_name
from app.models.cutting.plain_graph.products import DOMAIN, LINEAR
from app.models.cutting.skeleton import PARTS, Skeleton
from app.models.cutting.weights import stored_name
from app.models.graphs.graph import TOTAL_LENGTH, ShardGraph

_SAME = "cut:"
"""Before the names of the cut graph's values, so that none meets one of the shard's own."""


class GraphReplay:
    """Adds blocks of a skeleton to one shard's graph."""

    def __init__(self, skeleton: Skeleton, graph: ShardGraph) -> None:
        self._skeleton = skeleton
        self._graph = graph
        self._side = skeleton.side_values
        graph.opset = skeleton.graph.opset

    def block(self, block: int, start: str, target: str) -> str:
        """Add a block that reads the value `start`; returns what it has for the cut's `target`."""
        skeleton = self._skeleton
        source = skeleton.boundaries[block - 1] if block else "input_ids"
        if skeleton.takes_batches:
            lengths = batch_lengths(self._graph, start)
            width = skeleton.hidden_size if block else 0
            start = one_behind_the_other(self._graph, start, width)
        else:
            lengths = self._lengths(start)
        known = {source: start, **lengths}
        if 0 < block <= skeleton.layer_count:
            known |= self._caches(block - 1, known)
        found = self._nodes(skeleton.nodes_of(block), known, target, _SAME)
        return apart(self._graph, found, lengths) if skeleton.takes_batches else found

    def head(self, start: str, target: str) -> str:
        """Add the head over one row of each sequence; it asks for nothing but their number."""
        graph = self._graph
        rows = one_behind_the_other(graph, start, self._skeleton.hidden_size)
        count = graph.operator("Shape", [rows], start=1, end=2)
        known = {self._skeleton.boundaries[-1]: rows, TOKENS: count}
        nodes = self._skeleton.nodes_of(self._skeleton.layer_count + 1)
        found = self._nodes(nodes, known, target, f"{_SAME}head:")
        return graph.operator("Squeeze", [found, graph.constant("cut.axes.0", np.array([0]))])

    def _nodes(
        self, nodes: Iterable[onnx.NodeProto], known: dict[str, str], target: str, prefix: str
    ) -> str:
        for node in nodes:
            if node.output[0] in self._side:
                outputs = self._once(node, known, prefix)
            elif node.domain == DOMAIN:
                outputs = (self._product(node, known, prefix),)
            else:
                outputs = self._copied(node, known, prefix)
            known.update(zip(node.output, outputs, strict=True))
        return known[target]

    def _once(self, node: onnx.NodeProto, known: dict[str, str], prefix: str) -> tuple[str, ...]:
        """Add a side value that several blocks read the first time it is needed."""
        self._graph.once(prefix + node.output[0], lambda: self._copied(node, known, prefix)[0])
        return tuple(prefix + name for name in node.output)

    def _copied(self, node: onnx.NodeProto, known: dict[str, str], prefix: str) -> tuple[str, ...]:
        inputs = [self._value(name, known, prefix) for name in node.input]
        outputs = tuple(known.get(name, prefix + name) if name else "" for name in node.output)
        self._graph.copy(node, inputs, outputs)
        for name, output in zip(node.output, outputs, strict=True):
            self._append(name, node, output, known)
        return outputs

    def _product(self, node: onnx.NodeProto, known: dict[str, str], prefix: str) -> str:
        value = node.input[0 if node.op_type == LINEAR else 1]
        add = self._graph.linear if node.op_type == LINEAR else self._graph.rows
        return add(self._value(value, known, prefix), stored_name(node))

    def _value(self, name: str, known: Mapping[str, str], prefix: str) -> str:
        proto = self._skeleton.graph.constants.get(name)
        if proto is None:
            return known.get(name, prefix + name) if name else ""
        if is_stub(proto):
            return self._graph.weight(name)
        return self._graph.constant(_SAME + name, numpy_helper.to_array(proto))

    def _lengths(self, rows: str) -> Mapping[str, str]:
        """Return the three lengths, int64 [1]; `rows` is any value [batch, tokens, ...]."""
        graph = self._graph

        def count() -> str:
            axis = graph.constant("cut.axis.1", np.array([1], np.int64))
            return graph.operator("Gather", [graph.operator("Shape", [rows]), axis], axis=0)

        def total() -> str:
            flat = graph.constant("cut.flat", np.array([-1], np.int64))
            whole = graph.operator("Cast", [TOTAL_LENGTH], to=TensorProto.INT64)
            return graph.operator("Reshape", [whole, flat])

        tokens, everything = graph.once(TOKENS, count), graph.once(ALL, total)
        past = graph.once(PAST, lambda: graph.operator("Sub", [everything, tokens]))
        return {TOKENS: tokens, PAST: past, ALL: everything}

    def _caches(self, layer: int, lengths: Mapping[str, str]) -> dict[str, str]:
        """Return what a layer reads as its caches: the rows in use, cut from the buffers."""
        names = {past_name(layer, part): f"present.{layer}.{part}" for part in PARTS}
        if self._skeleton.in_place:
            return {name: name for pair in names.items() for name in pair}
        return {past: self._rows_in_use(past, lengths) for past in names}

    def _rows_in_use(self, past: str, lengths: Mapping[str, str]) -> str:
        graph = self._graph
        zero = graph.constant("cut.zero", np.array([0], np.int64))
        axis = graph.constant("cut.axis.2", np.array([2], np.int64))
        return graph.operator("Slice", [past, zero, lengths[PAST], axis])

    def _append(
        self, name: str, node: onnx.NodeProto, output: str, known: Mapping[str, str]
    ) -> None:
        """Write a layer's new rows behind those in its buffer, in place where it is bound twice.

        The rows that are written are none of those that were cut from the buffer, so that it does
        not matter what runs first.
        """
        if not name.startswith("present.") or output == name:
            return
        past = "past." + name.removeprefix("present.")
        new_rows = self._value(node.input[1], known, _SAME)
        indices = self._graph.once("cut.indices", lambda: self._indices(known))
        self._graph.operator("ScatterND", [past, indices, new_rows], [name])

    def _indices(self, lengths: Mapping[str, str]) -> str:
        """Return where the new rows go: int64 [1, heads, tokens, 3], each sequence, head, row."""
        heads, _ = self._skeleton.cache_shape()
        constant = self._graph.constant
        operator = self._graph.operator
        shape = operator(
            "Concat",
            [
                constant("cut.heads.count", np.array([1, heads], np.int64)),
                lengths[TOKENS],
                constant("cut.one", np.array([1], np.int64)),
            ],
            axis=0,
        )
        apart = constant("cut.rows.apart", np.array([1, 1, -1, 1], np.int64))
        step = constant("cut.step", np.int64(1))
        ends = [operator("Squeeze", [lengths[each]]) for each in (PAST, ALL)]
        places = operator("Reshape", [operator("Range", [*ends, step]), apart])
        axes = (
            constant("cut.sequence", np.zeros((1, 1, 1, 1), np.int64)),
            constant("cut.heads", np.arange(heads, dtype=np.int64).reshape(1, heads, 1, 1)),
            places,
        )
        parts = [operator("Expand", [each, shape]) for each in axes]
        return operator("Concat", parts, axis=-1)
