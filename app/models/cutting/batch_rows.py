"""In a shard's graph: rows of all sequences as those of one, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app.models.cutting.plain_graph.graph_parts import (
    EACH,
    LAST_ROWS,
    LONGEST,
    POSITIONS,
    SEQUENCES,
    TOKENS,
)
from app.models.graphs.graph import LENGTHS, TOTAL_LENGTH, ShardGraph
from app.models.graphs.positions import positions


def batch_lengths(graph: ShardGraph, rows: str) -> Mapping[str, str]:
    """Return what a graph for batches reads; `rows` is any value [batch, tokens, ...]."""
    flat = graph.constant("batch.flat", np.array([-1], np.int64))

    def count() -> str:
        return graph.operator("Mul", [sequences, each])

    def places() -> str:
        return graph.operator("Reshape", [positions(graph, rows), flat])

    sequences = graph.once(SEQUENCES, lambda: graph.operator("Shape", [rows], start=0, end=1))
    each = graph.once(EACH, lambda: graph.operator("Shape", [rows], start=1, end=2))
    return {
        SEQUENCES: sequences,
        EACH: each,
        TOKENS: graph.once(TOKENS, count),
        POSITIONS: graph.once(POSITIONS, places),
        LAST_ROWS: LENGTHS,
        LONGEST: TOTAL_LENGTH,
    }


def one_behind_the_other(graph: ShardGraph, rows: str, width: int) -> str:
    """Return [batch, tokens, width] as [1, batch * tokens, width]; width 0 is no third axis."""
    shape = np.array([1, -1, width] if width else [1, -1], np.int64)
    return graph.operator("Reshape", [rows, graph.constant(f"batch.rows.{width}", shape)])


def apart(graph: ShardGraph, rows: str, lengths: Mapping[str, str]) -> str:
    """Return [1, batch * tokens, width] as [batch, tokens, width]."""

    def shape() -> str:
        rest = graph.constant("batch.flat", np.array([-1], np.int64))
        return graph.operator("Concat", [lengths[SEQUENCES], lengths[EACH], rest], axis=0)

    return graph.operator("Reshape", [rows, graph.once("batch.shape", shape)])
