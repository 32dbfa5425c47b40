"""Encoders with norms behind each half of a layer: BERT and its kin.

Source: Devlin et al. 2019, section 3.1; a layer as in Vaswani et al. 2017, section 3.1.
Every token sees every other, so that a text goes through whole, in one step and without a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.model import BlockKind
from app.models.families.interface import BlockPlan, Dimensions, HeadOutput, Weight
from app.models.families.plain import EMBEDDING_NORM, POSITIONS
from app.models.families.pooling import EncoderHead
from app.models.families.weights import EMBEDDING
from app.models.graphs.attention import AttentionShape, attend_both_ways
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import activate, layer_norm
from app.models.graphs.positions import positions

SEGMENT = "embedding.segment"
"""The row of the first segment's kind, added to every token: `[1, hidden]`."""


@dataclass(frozen=True)
class EncoderStyle:
    """Options that differ between families."""

    activation: str
    epsilon: float
    segments: bool


@dataclass(frozen=True)
class Encoder:
    """One model: `name` is its family's, `layer` returns the weights of one layer."""

    name: str
    dimensions: Dimensions
    style: EncoderStyle
    embedding: tuple[Weight, ...]
    layer: Callable[[int], tuple[Weight, ...]]
    head: EncoderHead
    answer: HeadOutput

    def plans(self) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: embedding, layers, head."""
        layers = range(self.dimensions.layer_count)
        return (
            BlockPlan(BlockKind.EMBEDDING, self.embedding),
            *(BlockPlan(BlockKind.LAYER, self.layer(layer)) for layer in layers),
            BlockPlan(BlockKind.HEAD, self.head.weights()),
        )

    def tables(self) -> Mapping[str, NDArray[np.float32]]:
        """Return nothing: positions are learned."""
        return {}

    def add_embedding(self, graph: ShardGraph, token_ids: str) -> str:
        """Add the rows of tokens, positions and, where there is one, the segment; norm."""
        places = positions(graph, token_ids)
        learned = graph.operator("Gather", [graph.weight(POSITIONS), places])
        rows = graph.operator("Add", [graph.rows(token_ids, EMBEDDING), learned])
        if self.style.segments:
            rows = graph.operator("Add", [rows, graph.weight(SEGMENT)])
        return layer_norm(graph, rows, EMBEDDING_NORM, self.style.epsilon)

    def add_layer(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        """Add attention and feed-forward, each around a residual and before a norm."""
        own, style, sizes = f"layer.{layer}.", self.style, self.dimensions
        heads = sizes.attention_heads
        shape = AttentionShape(heads, heads, sizes.head_size, float(sizes.head_size) ** -0.5)
        packed = graph.linear(hidden, own + "query_key_value")
        attended = graph.linear(attend_both_ways(graph, packed, layer, shape), own + "output")
        hidden = graph.operator("Add", [hidden, attended])
        hidden = layer_norm(graph, hidden, own + "attention_norm", style.epsilon)
        inner = activate(graph, graph.linear(hidden, own + "up"), style.activation)
        hidden = graph.operator("Add", [hidden, graph.linear(inner, own + "down")])
        return layer_norm(graph, hidden, own + "inner_norm", style.epsilon)

    def add_head(self, graph: ShardGraph, hidden: str) -> str:
        """Return scores [batch, labels] or a vector [batch, hidden] for the whole text."""
        return self.head.add(graph, hidden)
