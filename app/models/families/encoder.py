"""Encoders with norms behind each half of a layer: BERT and its kin.

Sources: Devlin et al. 2019, section 3.1; a layer as in Vaswani et al. 2017, section 3.1; Song et
al. 2020 (MPNet: biases by distance); Nussbaum et al. 2024 (Nomic Embed: rotary, gated); He et al.
2021 (DeBERTa, section 3). Every token sees every other, so that a text goes through whole, in one
step and without a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.model import BlockKind
from app.models.families.interface import (
    BlockPlan,
    Dimensions,
    HeadOutput,
    SharedWeight,
    Weight,
)
from app.models.families.plain import POSITIONS
from app.models.families.pooling import EncoderHead
from app.models.families.weights import COSINES, EMBEDDING, EMBEDDING_NORM, ROTARY_TABLES, SINES
from app.models.graphs.attention import AttentionShape
from app.models.graphs.both_ways import attend_both_ways
from app.models.graphs.disentangled import Disentangled
from app.models.graphs.distances import DistanceBuckets, learned_bias
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import activate, layer_norm
from app.models.graphs.positions import positions
from app.models.graphs.rotary import Rotary

SEGMENT = "embedding.segment"
"""The row of the first segment's kind, added to every token: `[1, hidden]`."""
DISTANCE_BIAS = "embedding.distance_bias"
"""What is added to a head's scores by distance: `[buckets, heads]`."""


@dataclass(frozen=True)
class EncoderStyle:
    """Options that differ between families.

    Positions are learned rows where there are such weights, `rotary`, biases in `buckets` of
    distances, or rows of distances that queries and keys are compared with (`disentangled`). A
    layer with a matrix `gate` gates its feed-forward.
    """

    activation: str
    epsilon: float
    rotary: Rotary | None = None
    buckets: DistanceBuckets | None = None
    disentangled: Disentangled | None = None


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
    shared: tuple[SharedWeight, ...] = ()

    def plans(self) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: embedding, layers, head."""
        layers = range(self.dimensions.layer_count)
        shared = (*self.shared, *(ROTARY_TABLES if self.style.rotary else ()))
        return (
            BlockPlan(BlockKind.EMBEDDING, self.embedding),
            *(BlockPlan(BlockKind.LAYER, self.layer(layer), shared) for layer in layers),
            BlockPlan(BlockKind.HEAD, self.head.weights()),
        )

    def tables(self) -> Mapping[str, NDArray[np.float32]]:
        """Return the rotary cosines and sines, where positions turn."""
        if self.style.rotary is None:
            return {}
        sizes = self.dimensions
        tables = self.style.rotary.tables(sizes.context_tokens, sizes.head_size)
        return dict(zip((COSINES, SINES), tables, strict=True))

    def add_embedding(self, graph: ShardGraph, token_ids: str) -> str:
        """Add the rows of tokens and, where there are such, positions and the segment; norm."""
        rows = graph.rows(token_ids, EMBEDDING)
        if graph.has(POSITIONS):
            places = positions(graph, token_ids)
            learned = graph.operator("Gather", [graph.weight(POSITIONS), places])
            rows = graph.operator("Add", [rows, learned])
        if graph.has(SEGMENT):
            rows = graph.operator("Add", [rows, graph.weight(SEGMENT)])
        return layer_norm(graph, rows, EMBEDDING_NORM, self.style.epsilon)

    def add_layer(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        """Add attention and feed-forward, each around a residual and before a norm."""
        own, style = f"layer.{layer}.", self.style
        attended = graph.linear(self._attend(graph, layer, hidden), own + "output")
        hidden = graph.operator("Add", [hidden, attended])
        hidden = layer_norm(graph, hidden, own + "attention_norm", style.epsilon)
        inner = graph.linear(self._inner(graph, own, hidden), own + "down")
        hidden = graph.operator("Add", [hidden, inner])
        return layer_norm(graph, hidden, own + "inner_norm", style.epsilon)

    def add_head(self, graph: ShardGraph, hidden: str) -> str:
        """Return scores [batch, labels] or a vector [batch, hidden] for the whole text."""
        return self.head.add(graph, hidden)

    def _inner(self, graph: ShardGraph, own: str, hidden: str) -> str:
        if not graph.has(own + "gate"):
            return activate(graph, graph.linear(hidden, own + "up"), self.style.activation)
        gate = activate(graph, graph.linear(hidden, own + "gate"), self.style.activation)
        return graph.operator("Mul", [gate, graph.linear(hidden, own + "up")])

    def _attend(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        own, style, sizes = f"layer.{layer}.", self.style, self.dimensions
        heads, size = sizes.attention_heads, sizes.head_size
        shape = AttentionShape(heads, heads, size, float(size) ** -0.5, size)
        if style.disentangled is not None:
            return style.disentangled.attend(graph, hidden, layer, shape)
        rotary = [graph.weight(COSINES), graph.weight(SINES)] if style.rotary else []
        bias = ""
        if style.buckets is not None:
            bias = learned_bias(graph, hidden, DISTANCE_BIAS, style.buckets)
        packed = graph.linear(hidden, own + "query_key_value")
        return attend_both_ways(graph, [packed], layer, shape, rotary=rotary, bias=bias)
