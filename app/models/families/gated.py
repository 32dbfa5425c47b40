"""Decoders with RMS norms, rotary positions and a gated feed-forward: Llama and its kin.

Sources: Touvron et al. 2023 (LLaMA, section 2.2); Ainslie et al. 2023 (grouped queries); Gemma
Team 2024 (Gemma 2, section 2); Yang et al. 2025 (Qwen3, section 2: norms of queries and keys);
OLMo Team 2024 (OLMo 2, section 3: norms behind only); Cohere 2025 (Command A, section 2: halves
side by side, layers without positions); IBM 2024 (Granite 3.0: multipliers).
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
from app.models.families.pooling import EncoderHead
from app.models.families.weights import (
    COSINES,
    EMBEDDING,
    EMBEDDING_NORM,
    EXPERTS_IN,
    EXPERTS_OUT,
    HEAD,
    HEAD_NORM,
    LOCAL_COSINES,
    LOCAL_SINES,
    ROUTER,
    SINES,
    DecoderWeights,
)
from app.models.graphs.attention import AttentionShape, attend, head_norm, split_heads
from app.models.graphs.both_ways import attend_both_ways
from app.models.graphs.distances import window_bias
from app.models.graphs.experts import ExpertShape, mixture
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import (
    activate,
    clamped_pairs,
    gated_halves,
    last_position,
    layer_norm,
    rms_norm,
    scaled,
    softcap,
)
from app.models.graphs.rotary import Rotary
from app.models.tensors import BIAS_SUFFIX


@dataclass(frozen=True)
class GatedStyle:
    """Options that differ between families.

    `windows` has one entry a layer, 0 for no window. Positions of `local_layers` turn as
    `local_rotary` says, those of `unturned_layers` not at all. Queries and keys are normed head by
    head with `head_norms`, whole rows with `row_norms`. With `layer_norms` norms take the mean
    away. With `parallel` attention and feed-forward both read the layer's one norm. What both add
    is multiplied by `residual_scale`, logits by `logit_scale`. A `logit_softcap` of 0 is none.

    With `both_ways` every token sees all others within its window, on either side of it.

    What a layer has no weights of it leaves out: norms before or behind attention and feed-forward,
    the feed-forward itself beside `experts`.
    """

    activation: str
    epsilon: float
    rotary: Rotary
    attention: AttentionShape
    windows: tuple[int, ...]
    head_norms: bool = False
    row_norms: bool = False
    layer_norms: bool = False
    parallel: bool = False
    both_ways: bool = False
    embedding_scale: float = 1.0
    residual_scale: float = 1.0
    logit_scale: float = 1.0
    logit_softcap: float = 0.0
    local_rotary: Rotary | None = None
    local_layers: frozenset[int] = frozenset()
    unturned_layers: frozenset[int] = frozenset()
    experts: ExpertShape | None = None
    clamped: tuple[float, float] | None = None
    """Of experts whose columns are pairs: how steeply they open, and their limit."""


@dataclass(frozen=True)
class GatedDecoder:
    """One model: `name` is its family's."""

    name: str
    dimensions: Dimensions
    style: GatedStyle
    weights: DecoderWeights
    answer: HeadOutput = GENERATION
    pooled: EncoderHead | None = None
    """What stands behind the last norm instead of one matrix."""

    def pooling(self, head: EncoderHead, answer: HeadOutput) -> GatedDecoder:
        """Return the same decoder with what makes one answer of all rows."""
        weights = replace(self.weights, head=None, head_weights=head.weights())
        return replace(self, weights=weights, pooled=head, answer=answer)

    def answering(self, head: Part, answer: HeadOutput) -> Family:
        """Return the same decoder with another last matrix."""
        norm = tuple(each for each in self.weights.head_norm if each.name != HEAD + BIAS_SUFFIX)
        weights = replace(self.weights, head=head, head_norm=norm)
        style = replace(self.style, logit_softcap=0.0, logit_scale=1.0)
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
        """Look the tokens' rows up; norm them where there are weights for it."""
        rows = graph.rows(token_ids, EMBEDDING)
        rows = self._norm(graph, rows, EMBEDDING_NORM)
        if self.style.embedding_scale == 1:
            return rows
        scale = graph.constant("embedding.scale", np.float32(self.style.embedding_scale))
        return graph.operator("Mul", [rows, scale])

    def add_layer(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        """Add attention and feed-forward, each around a residual."""
        own, scale = f"layer.{layer}.", self.style.residual_scale
        normed = self._norm(graph, hidden, own + "attention_norm")
        attended = graph.linear(self._attend(graph, layer, normed), own + "output")
        attended = self._norm(graph, attended, own + "attention_post_norm")
        after = graph.operator("Add", [hidden, scaled(graph, attended, scale)])
        if not self.style.parallel:
            normed = self._norm(graph, after, own + "inner_norm")
        inner = self._norm(graph, self._inner(graph, own, normed), own + "inner_post_norm")
        return graph.operator("Add", [after, scaled(graph, inner, scale)])

    def add_head(self, graph: ShardGraph, hidden: str) -> str:
        """Norm the last position and multiply it with the head or the embedding tied to it.

        With a head that reads all rows these are normed and left to it.
        """
        if self.pooled is not None:
            return self.pooled.add(graph, self._norm(graph, hidden, HEAD_NORM))
        normed = self._norm(graph, last_position(graph, hidden), HEAD_NORM)
        logits = graph.linear(normed, HEAD if graph.has(HEAD) else EMBEDDING)
        logits = scaled(graph, logits, self.style.logit_scale)
        limit = self.style.logit_softcap
        return softcap(graph, logits, limit) if limit else logits

    def _norm(self, graph: ShardGraph, value: str, name: str) -> str:
        if not graph.has(name):
            return value
        norm = layer_norm if self.style.layer_norms else rms_norm
        return norm(graph, value, name, self.style.epsilon)

    def _inner(self, graph: ShardGraph, own: str, normed: str) -> str:
        """Add the feed-forward, the experts, or the sum of both: what the layer has weights of."""
        experts = self.style.experts
        if experts is None or not graph.has(own + ROUTER):
            return self._gated(graph, own, normed)
        mixed = self._mixture(graph, own, normed, experts)
        if not graph.has(own + "gate"):
            return mixed
        return graph.operator("Add", [mixed, self._gated(graph, own, normed)])

    def _mixture(self, graph: ShardGraph, own: str, normed: str, experts: ExpertShape) -> str:
        style = self.style

        def compute(rows: str, expert: int) -> str:
            both = graph.linear(rows, graph.part(own + EXPERTS_IN, expert, experts.count))
            inner = (
                clamped_pairs(graph, both, *style.clamped)
                if style.clamped
                else gated_halves(graph, both, style.activation)
            )
            return graph.linear(inner, graph.part(own + EXPERTS_OUT, expert, experts.count))

        scores = graph.linear(normed, own + ROUTER)
        weights = (own + EXPERTS_IN, own + EXPERTS_OUT)
        return mixture(graph, normed, scores, experts, compute, weights)

    def _gated(self, graph: ShardGraph, own: str, normed: str) -> str:
        activated = activate(graph, graph.linear(normed, own + "gate"), self.style.activation)
        inner = graph.operator("Mul", [activated, graph.linear(normed, own + "up")])
        return graph.linear(inner, own + "down")

    def _attend(self, graph: ShardGraph, layer: int, normed: str) -> str:
        own, style = f"layer.{layer}.", self.style
        queries = self._queries(graph, own, graph.linear(normed, own + "query_key_value"))
        rotary = [graph.weight(table) for table in self._tables_of(layer)]
        if style.both_ways:
            window = style.windows[layer]
            bias = window_bias(graph, normed, window) if window else ""
            return attend_both_ways(
                graph, queries, layer, style.attention, rotary=rotary, bias=bias
            )
        sinks = own + "sinks"
        return attend(
            graph,
            queries,
            layer,
            style.attention,
            rotary=rotary,
            sinks=graph.weight(sinks) if graph.has(sinks) else "",
            window_tokens=style.windows[layer],
        )

    def _tables_of(self, layer: int) -> tuple[str, ...]:
        if layer in self.style.unturned_layers:
            return ()
        is_local = layer in self.style.local_layers
        return (LOCAL_COSINES, LOCAL_SINES) if is_local else (COSINES, SINES)

    def _queries(self, graph: ShardGraph, own: str, packed: str) -> tuple[str, ...]:
        """Return queries, keys and values: apart where some are normed, else as one."""
        style = self.style
        names = (own + "query_norm", own + "key_norm")
        if style.head_norms:
            query, key, value = split_heads(graph, packed, style.attention)
            query = head_norm(graph, query, names[0], style.epsilon, style.attention)
            return query, head_norm(graph, key, names[1], style.epsilon, style.attention), value
        if style.row_norms:
            query, key, value = split_heads(graph, packed, style.attention)
            query = rms_norm(graph, query, names[0], style.epsilon)
            return query, rms_norm(graph, key, names[1], style.epsilon), value
        return (packed,)
