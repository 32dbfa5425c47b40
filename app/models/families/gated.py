"""Decoders with RMS norms, rotary positions and a gated feed-forward: Llama and its kin.

Sources: Touvron et al. 2023 (LLaMA, section 2.2); Ainslie et al. 2023 (grouped queries); Gemma
Team 2024 (Gemma 2, section 2); Yang et al. 2025 (Qwen3, section 2: norms of queries and keys).
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
    HEAD,
    HEAD_NORM,
    LOCAL_COSINES,
    LOCAL_SINES,
    SINES,
    DecoderWeights,
)
from app.models.graphs.attention import AttentionShape, attend, head_norm, split_heads
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import activate, last_position, rms_norm, softcap
from app.models.graphs.rotary import Rotary


@dataclass(frozen=True)
class GatedStyle:
    """Options that differ between families.

    `windows` has one entry a layer, 0 for no window. Positions of `local_layers` turn as
    `local_rotary` says. With `post_norms` attention and feed-forward are normed behind as well as
    before. A `logit_softcap` of 0 is none.
    """

    activation: str
    epsilon: float
    rotary: Rotary
    attention: AttentionShape
    windows: tuple[int, ...]
    head_norms: bool = False
    post_norms: bool = False
    embedding_scale: float = 1.0
    logit_softcap: float = 0.0
    local_rotary: Rotary | None = None
    local_layers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class GatedDecoder:
    """One model: `name` is its family's."""

    name: str
    dimensions: Dimensions
    style: GatedStyle
    weights: DecoderWeights
    answer: HeadOutput = GENERATION

    def answering(self, head: Part, answer: HeadOutput) -> Family:
        """Return the same decoder with another last matrix."""
        weights = replace(self.weights, head=head)
        style = replace(self.style, logit_softcap=0.0)
        return replace(self, style=style, weights=weights, answer=answer)

    def plans(self) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: embedding, layers, head."""
        return self.weights.plans(self.dimensions.layer_count)

    def tables(self) -> Mapping[str, NDArray[np.float32]]:
        """Return the rotary cosines and sines, each [context, turned part of a head / 2]."""
        size = (self.dimensions.context_tokens, self.dimensions.head_size)
        tables = dict(zip((COSINES, SINES), self.style.rotary.tables(*size), strict=True))
        local = self.style.local_rotary
        if local is not None:
            tables |= zip((LOCAL_COSINES, LOCAL_SINES), local.tables(*size), strict=True)
        return tables

    def add_embedding(self, graph: ShardGraph, token_ids: str) -> str:
        """Look the tokens' rows up."""
        rows = graph.rows(token_ids, EMBEDDING)
        if self.style.embedding_scale == 1:
            return rows
        scale = graph.constant("embedding.scale", np.float32(self.style.embedding_scale))
        return graph.operator("Mul", [rows, scale])

    def add_layer(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        """Add attention and feed-forward, each behind a norm and around a residual."""
        own, style = f"layer.{layer}.", self.style
        normed = rms_norm(graph, hidden, own + "attention_norm", style.epsilon)
        attended = graph.linear(self._attend(graph, layer, normed), own + "output")
        if style.post_norms:
            attended = rms_norm(graph, attended, own + "attention_post_norm", style.epsilon)
        hidden = graph.operator("Add", [hidden, attended])
        normed = rms_norm(graph, hidden, own + "inner_norm", style.epsilon)
        activated = activate(graph, graph.linear(normed, own + "gate"), style.activation)
        inner = graph.operator("Mul", [activated, graph.linear(normed, own + "up")])
        inner = graph.linear(inner, own + "down")
        if style.post_norms:
            inner = rms_norm(graph, inner, own + "inner_post_norm", style.epsilon)
        return graph.operator("Add", [hidden, inner])

    def add_head(self, graph: ShardGraph, hidden: str) -> str:
        """Norm the last position and multiply it with the head or the embedding tied to it."""
        last = last_position(graph, hidden)
        normed = rms_norm(graph, last, HEAD_NORM, self.style.epsilon)
        logits = graph.linear(normed, HEAD if graph.has_matrix(HEAD) else EMBEDDING)
        limit = self.style.logit_softcap
        return softcap(graph, logits, limit) if limit else logits

    def _attend(self, graph: ShardGraph, layer: int, normed: str) -> str:
        own, style = f"layer.{layer}.", self.style
        queries: tuple[str, ...] = (graph.linear(normed, own + "query_key_value"),)
        if style.head_norms:
            query, key, value = split_heads(graph, queries[0], style.attention)
            query = head_norm(graph, query, own + "query_norm", style.epsilon, style.attention)
            key = head_norm(graph, key, own + "key_norm", style.epsilon, style.attention)
            queries = (query, key, value)
        is_local = layer in style.local_layers
        cosines, sines = (LOCAL_COSINES, LOCAL_SINES) if is_local else (COSINES, SINES)
        return attend(
            graph,
            queries,
            layer,
            style.attention,
            rotary=(graph.weight(cosines), graph.weight(sines)),
            window_tokens=style.windows[layer],
        )
