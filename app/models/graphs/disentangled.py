"""Attention that compares contents with distances too (He et al. 2021, DeBERTa, section 3.1).

Distances far apart share a row, by their logarithm (He et al. 2023, DeBERTaV3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.models.graphs.attention import AttentionShape
from app.models.graphs.both_ways import attend_both_ways
from app.models.graphs.distances import placed
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import layer_norm

DISTANCE_ROWS = "embedding.distances"
"""A row for each bucket of distances: `[2 * span, hidden]`."""
DISTANCE_NORM = "embedding.distances_norm"


@dataclass(frozen=True)
class Disentangled:
    """What scores are made of besides the contents.

    `span` is half the number of rows; with `logarithmic` they reach up to the distance `farthest`,
    else each distance has a row. No text is longer than `context_tokens`.
    `keys` compares queries with distances as keys, `queries` keys with distances as queries.
    """

    span: int
    farthest: int
    context_tokens: int
    logarithmic: bool
    keys: bool
    queries: bool
    epsilon: float

    def table(self) -> NDArray[np.int64]:
        """Return the row of each distance that there can be, key minus query."""
        longest = self.context_tokens
        distance = -np.arange(-longest, longest + 1, dtype=np.int64)
        bucket = self._logarithmic(distance) if self.logarithmic else distance
        return np.clip(bucket + self.span, 0, 2 * self.span - 1)

    def _logarithmic(self, distance: NDArray[np.int64]) -> NDArray[np.int64]:
        middle = self.span // 2
        away = np.maximum(np.abs(distance), middle).astype(np.float32)
        whole = np.log(np.float32((self.farthest - 1) / middle))
        shares = np.log(away / np.float32(middle)) / whole
        far = np.ceil(shares * np.float32(middle - 1)) + np.float32(middle)
        buckets = np.where(np.abs(distance) <= middle, distance, far * np.sign(distance))
        return buckets.astype(np.int64)

    def attend(self, graph: ShardGraph, hidden: str, layer: int, shape: AttentionShape) -> str:
        """Add a layer's attention over [batch, tokens, hidden]."""
        own = f"layer.{layer}."
        scaled = replace(shape, scale=(shape.head_size * (1 + self.keys + self.queries)) ** -0.5)
        parts = [graph.linear(hidden, own + part) for part in ("query", "key", "value")]
        biases = []
        if self.keys:
            biases.append(self._compared(graph, parts[0], own, "key", scaled))
        if self.queries:
            turned = self._compared(graph, parts[1], own, "query", scaled)
            biases.append(graph.operator("Transpose", [turned], perm=[0, 1, 3, 2]))
        bias = graph.operator("Sum", biases)
        factor = graph.constant("disentangled.scale", np.float32(scaled.scale))
        bias = graph.operator("Mul", [bias, factor])
        return attend_both_ways(graph, parts, layer, scaled, bias=bias)

    def _compared(
        self,
        graph: ShardGraph,
        content: str,
        own: str,
        part: str,
        shape: AttentionShape,
    ) -> str:
        """Return contents times the distances' rows at each pair: [batch, heads, rows, others]."""
        name = own + "distance_" + part
        rows = graph.linear(self._rows(graph), name if graph.has(name) else own + part)
        split = graph.constant("heads.rows", np.array([0, -1, shape.heads, shape.head_size]))
        one = graph.constant("axis.0", np.array([0], np.int64))
        rows = graph.operator("Unsqueeze", [rows, one])
        sides = [graph.operator("Reshape", [each, split]) for each in (content, rows)]
        first = graph.operator("Transpose", sides[:1], perm=[0, 2, 1, 3])
        second = graph.operator("Transpose", sides[1:], perm=[0, 2, 3, 1])
        scores = graph.operator("MatMul", [first, second])
        return graph.operator(
            "GatherElements", [scores, self._places(graph, content, part, shape)], axis=-1
        )

    def _rows(self, graph: ShardGraph) -> str:
        def add() -> str:
            rows = graph.weight(DISTANCE_ROWS)
            if not graph.has(DISTANCE_NORM):
                return rows
            return layer_norm(graph, rows, DISTANCE_NORM, self.epsilon)

        return graph.once("distance_rows", add)

    def _places(self, graph: ShardGraph, content: str, part: str, shape: AttentionShape) -> str:
        """Return each pair's row, for every head; the pairs turned where rows are queries'."""

        def add() -> str:
            table = graph.constant("distance.table", self.table())
            found = graph.operator("Gather", [table, placed(graph, content, self.context_tokens)])
            if part == "query":
                found = graph.operator("Transpose", [found], perm=[0, 2, 1])
            axis = graph.constant("heads.axis", np.array([1], np.int64))
            copies = graph.constant("heads.all", np.array([1, shape.heads, 1, 1], np.int64))
            return graph.operator("Tile", [graph.operator("Unsqueeze", [found, axis]), copies])

        return graph.once(f"distance_places.{part}", add)
