"""What attention makes of how far apart two tokens are: windows, and biases learned by distance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.models.graphs.graph import TOTAL_LENGTH, ShardGraph
from app.models.graphs.positions import positions

_UNSEEN = np.float32(np.finfo(np.float32).min)


@dataclass(frozen=True)
class DistanceBuckets:
    """Distances that share a bias: near ones one by one, farther ones by their logarithm.

    Raffel et al. 2020 (T5, section 2.1). Up to `farthest` tokens; beyond all are alike. Without
    `both_ways` keys behind the query, which it never sees, are all in bucket 0.
    """

    count: int
    farthest: int
    both_ways: bool

    def table(self) -> NDArray[np.int64]:
        """Return the bucket of each distance from `-farthest` to `farthest`, key minus query."""
        behind = -np.arange(-self.farthest, self.farthest + 1, dtype=np.int64)
        count, first = self.count, np.zeros_like(behind)
        if self.both_ways:
            count //= 2
            first = np.where(behind < 0, count, 0)
            behind = np.abs(behind)
        near = count // 2
        scale = np.float32(math.log(self.farthest / near))
        ratio = np.log(np.maximum(behind, 1).astype(np.float32) / np.float32(near)) / scale
        far = near + (ratio * np.float32(count - near)).astype(np.int64)
        behind = np.maximum(behind, 0)
        return first + np.where(behind < near, behind, np.minimum(far, count - 1))


def distances(graph: ShardGraph, rows: str) -> str:
    """Return key minus query in tokens, int64 [batch, tokens, all tokens]."""

    def add() -> str:
        zero, one = (graph.constant(f"distance.{n}", np.int32(n)) for n in (0, 1))
        keys = graph.operator("Cast", [graph.operator("Range", [zero, TOTAL_LENGTH, one])], to=7)
        last = graph.constant("distance.axis", np.array([-1], np.int64))
        queries = graph.operator("Unsqueeze", [positions(graph, rows), last])
        return graph.operator("Sub", [keys, queries])

    return graph.once("distances", add)


def window_bias(graph: ShardGraph, rows: str, tokens: int) -> str:
    """Return what hides keys `tokens` or more away, on either side: [batch, 1, tokens, all]."""

    def add() -> str:
        away = graph.operator("Abs", [distances(graph, rows)])
        limit = graph.constant(f"window.{tokens}", np.int64(tokens))
        seen, unseen = graph.constant("seen", np.float32(0)), graph.constant("unseen", _UNSEEN)
        bias = graph.operator("Where", [graph.operator("Less", [away, limit]), seen, unseen])
        axis = graph.constant("heads.axis", np.array([1], np.int64))
        return graph.operator("Unsqueeze", [bias, axis])

    return graph.once(f"window_bias.{tokens}", add)


def learned_bias(graph: ShardGraph, rows: str, name: str, buckets: DistanceBuckets) -> str:
    """Return the bias [batch, heads, tokens, all tokens] of a stored table [buckets, heads]."""

    def add() -> str:
        places = placed(graph, rows, buckets.farthest)
        table = graph.constant(f"buckets.{name}", buckets.table())
        found = graph.operator("Gather", [table, places])
        biases = graph.operator("Gather", [graph.weight(name), found])
        return graph.operator("Transpose", [biases], perm=[0, 3, 1, 2])

    return graph.once(f"learned_bias.{name}", add)


def placed(graph: ShardGraph, rows: str, farthest: int) -> str:
    """Return distances as places in a table from `-farthest` to `farthest`."""
    least, most = (
        graph.constant(f"farthest.{side}.{farthest}", np.int64(sign * farthest))
        for side, sign in (("before", -1), ("behind", 1))
    )
    near = graph.operator("Clip", [distances(graph, rows), least, most])
    return graph.operator("Add", [near, most])
