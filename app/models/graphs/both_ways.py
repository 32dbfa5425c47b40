"""Attention of every token over all tokens of a step, without a cache: an encoder's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.models.graphs.attention import AttentionShape, split_heads, turned
from app.models.graphs.graph import MICROSOFT, ShardGraph


def attend_both_ways(
    graph: ShardGraph,
    queries: Sequence[str],
    layer: int,
    shape: AttentionShape,
    *,
    rotary: Sequence[str] = (),
    bias: str = "",
) -> str:
    """Add attention of every token over all tokens of the step.

    `queries` is one packed value [batch, tokens, (heads + 2 * kv_heads) * head_size] or queries,
    keys and values; `rotary` the cosines and sines; `bias` is added to the scores.
    """
    apart = queries if len(queries) > 1 else split_heads(graph, queries[0], shape)
    if rotary:
        apart = turned(graph, apart, shape, rotary)
    query, key, value = apart
    if shape.kv_heads != shape.heads:
        key, value = (_repeated(graph, each, shape) for each in (key, value))
    return graph.operator(
        "MultiHeadAttention",
        [query, key, value, *(["", "", bias] if bias else [])],
        [f"attention.{layer}"],
        domain=MICROSOFT,
        num_heads=shape.heads,
        scale=shape.scale,
    )


def _repeated(graph: ShardGraph, value: str, shape: AttentionShape) -> str:
    """Give each head of queries keys of its own: [batch, tokens, kv_heads * size] to heads."""
    group, size = shape.heads // shape.kv_heads, shape.head_size
    apart = np.array([0, 0, shape.kv_heads, 1, size], np.int64)
    joined = np.array([0, 0, shape.heads * size], np.int64)
    each = graph.operator("Reshape", [value, graph.constant("heads.single", apart)])
    copies = np.array([1, 1, 1, group, 1], np.int64)
    copied = graph.operator("Tile", [each, graph.constant("heads.copies", copies)])
    return graph.operator("Reshape", [copied, graph.constant("heads.whole", joined)])
