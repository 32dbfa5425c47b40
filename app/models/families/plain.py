"""Decoders with layer norms and a feed-forward of two matrices: GPT-2 and its contemporaries.

Sources: Radford et al. 2019 (GPT-2); Zhang et al. 2022 (OPT); BigScience 2022 (BLOOM, section 3);
Black et al. 2022 (GPT-NeoX, section 2: parallel halves, partly turning heads).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.models.families.interface import (
    GENERATION,
    BlockPlan,
    Dimensions,
    Family,
    HeadOutput,
    Part,
)
from app.models.families.weights import (
    COSINES,
    EMBEDDING,
    EMBEDDING_NORM,
    HEAD,
    HEAD_NORM,
    SINES,
    DecoderWeights,
)
from app.models.graphs.attention import AttentionShape, attend
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import activate, last_position, layer_norm
from app.models.graphs.positions import linear_bias, positions
from app.models.graphs.rotary import Rotary

POSITIONS = "positions"


@dataclass(frozen=True)
class PlainStyle:
    """Options that differ between families.

    Positions are learned rows, `rotary`, or a `linear_bias` on the scores (ALiBi). With `parallel`
    attention and feed-forward both read the layer's input. `windows` has one entry a layer, 0 for
    no window; without any every layer sees all.
    """

    activation: str
    epsilon: float
    attention: AttentionShape
    rotary: Rotary | None = None
    learned_positions: bool = False
    linear_bias: bool = False
    embedding_norm: bool = False
    parallel: bool = False
    windows: tuple[int, ...] = ()


@dataclass(frozen=True)
class PlainDecoder:
    """One model: `name` is its family's."""

    name: str
    dimensions: Dimensions
    style: PlainStyle
    weights: DecoderWeights
    answer: HeadOutput = GENERATION

    def answering(self, head: Part, answer: HeadOutput) -> Family:
        """Return the same decoder with another last matrix."""
        return replace(self, weights=replace(self.weights, head=head), answer=answer)

    def plans(self) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: embedding, layers, head."""
        return self.weights.plans(self.dimensions.layer_count)

    def tables(self) -> Mapping[str, NDArray[np.float32]]:
        """Return the rotary cosines and sines, each [context, turned part of a head / 2]."""
        if self.style.rotary is None:
            return {}
        sizes = self.dimensions
        cosines, sines = self.style.rotary.tables(sizes.context_tokens, sizes.head_size)
        return {COSINES: cosines, SINES: sines}

    def add_embedding(self, graph: ShardGraph, token_ids: str) -> str:
        """Look the tokens' rows up, those of their positions too where learned, and norm."""
        rows = graph.rows(token_ids, EMBEDDING)
        if self.style.learned_positions:
            places = positions(graph, token_ids)
            learned = graph.operator("Gather", [graph.weight(POSITIONS), places])
            rows = graph.operator("Add", [rows, learned])
        if self.style.embedding_norm:
            rows = layer_norm(graph, rows, EMBEDDING_NORM, self.style.epsilon)
        return rows

    def add_layer(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        """Add attention and feed-forward, each behind a norm and around a residual."""
        own, style = f"layer.{layer}.", self.style
        normed = layer_norm(graph, hidden, own + "attention_norm", style.epsilon)
        attended = graph.linear(self._attend(graph, layer, normed, hidden), own + "output")
        after = graph.operator("Add", [hidden, attended])
        source = hidden if style.parallel else after
        normed = layer_norm(graph, source, own + "inner_norm", style.epsilon)
        inner = activate(graph, graph.linear(normed, own + "up"), style.activation)
        return graph.operator("Add", [after, graph.linear(inner, own + "down")])

    def add_head(self, graph: ShardGraph, hidden: str) -> str:
        """Norm the last position and multiply it with the head or the embedding tied to it."""
        last = last_position(graph, hidden)
        normed = layer_norm(graph, last, HEAD_NORM, self.style.epsilon)
        return graph.linear(normed, HEAD if graph.has(HEAD) else EMBEDDING)

    def _attend(self, graph: ShardGraph, layer: int, normed: str, hidden: str) -> str:
        shape = self.style.attention
        packed = graph.linear(normed, f"layer.{layer}.query_key_value")
        rotary = [graph.weight(COSINES), graph.weight(SINES)] if self.style.rotary else []
        bias = linear_bias(graph, hidden, shape.heads) if self.style.linear_bias else ""
        window = self.style.windows[layer] if self.style.windows else 0
        return attend(graph, [packed], layer, shape, rotary=rotary, bias=bias, window_tokens=window)
