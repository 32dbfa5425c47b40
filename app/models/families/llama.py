"""The Llama family: RMS norms, rotary positions, grouped queries, gated feed-forward.

Sources: Touvron et al. 2023 (LLaMA, section 2.2); Ainslie et al. 2023 (grouped queries).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.core.model import BlockKind
from app.models.configuration import Configuration
from app.models.families.interface import BlockPlan, Dimensions, Part, Role, SharedWeight, Weight
from app.models.graph import ShardGraph
from app.models.rotary import Rotary
from app.models.tensors import BIAS_SUFFIX

MAXIMUM_CONTEXT_TOKENS = 8192
"""Longer contexts are cut to this: a phone keeps its attention cache in full length."""
MAXIMUM_LAYERS = 1024
DEFAULT_CONTEXT_TOKENS = 2048
DEFAULT_NORM_EPSILON = 1e-6
EMBEDDING = "embedding"
HEAD = "head"
HEAD_NORM = "head.norm"
COSINES = "rotary.cosines"
SINES = "rotary.sines"


class LlamaFamily:
    """A Llama model of given sizes."""

    name = "llama"

    def __init__(self, configuration: Configuration) -> None:
        """Read the sizes. Raises `BadInputError` for what this family does not compute."""
        activation = configuration.text("hidden_act", "silu")
        if activation != "silu":
            raise BadInputError(f"Llama models with activation {activation!r} are not supported.")
        self.dimensions = _dimensions(configuration)
        self._inner_size = configuration.dimension("intermediate_size")
        self._epsilon = configuration.number("rms_norm_eps", DEFAULT_NORM_EPSILON)
        self._rotary = Rotary.from_configuration(configuration)
        self._tied = configuration.flag("tie_word_embeddings", default=False)
        self._attention_bias = configuration.flag("attention_bias", default=False)
        self._inner_bias = configuration.flag("mlp_bias", default=False)

    def plans(self, *, quantized: bool) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: embedding, layers, head.

        A tied head reads the embedding itself, or a quantised copy: the last phone then needs
        neither the large table nor the time to read it.
        """
        sizes = self.dimensions
        shape = (sizes.vocabulary_size, sizes.hidden_size)
        table = Part("model.embed_tokens.weight", shape)
        norm = _vector(HEAD_NORM, "model.norm.weight", sizes.hidden_size)
        if self._tied and not quantized:
            head = BlockPlan(BlockKind.HEAD, (norm,), (SharedWeight(EMBEDDING, Role.MATRIX),))
        else:
            source = table if self._tied else Part("lm_head.weight", shape)
            head = BlockPlan(BlockKind.HEAD, (norm, Weight(HEAD, Role.MATRIX, (source,))))
        embedding = BlockPlan(BlockKind.EMBEDDING, (Weight(EMBEDDING, Role.TABLE, (table,)),))
        layers = (self._layer_plan(layer) for layer in range(sizes.layer_count))
        return (embedding, *layers, head)

    def tables(self) -> Mapping[str, NDArray[np.float32]]:
        """Return the rotary cosines and sines, each [context, head_size / 2]."""
        sizes = self.dimensions
        cosines, sines = self._rotary.tables(sizes.context_tokens, sizes.head_size)
        return {COSINES: cosines, SINES: sines}

    def add_embedding(self, graph: ShardGraph, token_ids: str) -> str:
        """Look the tokens' rows up."""
        return graph.operator("Gather", [graph.weight(EMBEDDING), token_ids])

    def add_layer(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        """Add attention and feed-forward, each behind a norm and around a residual."""
        own = f"layer.{layer}."
        normed = graph.rms_norm(hidden, own + "attention_norm", self._epsilon)
        attended = self._add_attention(graph, layer, normed)
        hidden = graph.operator("Add", [hidden, graph.linear(attended, own + "output")])
        normed = graph.rms_norm(hidden, own + "inner_norm", self._epsilon)
        gate = graph.linear(normed, own + "gate")
        activated = graph.operator("Mul", [gate, graph.operator("Sigmoid", [gate])])
        inner = graph.operator("Mul", [activated, graph.linear(normed, own + "up")])
        return graph.operator("Add", [hidden, graph.linear(inner, own + "down")])

    def add_head(self, graph: ShardGraph, hidden: str) -> str:
        """Norm the last position and multiply it with the head or the embedding tied to it."""
        last = graph.operator("Gather", [hidden, graph.constant("last", np.int64(-1))], axis=1)
        normed = graph.rms_norm(last, HEAD_NORM, self._epsilon)
        return graph.linear(normed, HEAD if graph.has_matrix(HEAD) else EMBEDDING)

    def _add_attention(self, graph: ShardGraph, layer: int, normed: str) -> str:
        sizes = self.dimensions
        packed = graph.linear(normed, f"layer.{layer}.query_key_value")
        return graph.attention(
            packed,
            layer,
            (graph.weight(COSINES), graph.weight(SINES)),
            num_heads=sizes.attention_heads,
            kv_num_heads=sizes.kv_heads,
            scale=float(sizes.head_size) ** -0.5,
        )

    def _layer_plan(self, layer: int) -> BlockPlan:
        own, source, sizes = f"layer.{layer}.", f"model.layers.{layer}.", self.dimensions
        hidden, inner = sizes.hidden_size, self._inner_size
        queries, keys = sizes.attention_heads * sizes.head_size, sizes.kv_heads * sizes.head_size
        attention, feed_forward = source + "self_attn.", source + "mlp."
        weights = (
            _vector(own + "attention_norm", source + "input_layernorm.weight", hidden),
            *_linear(
                own + "query_key_value",
                {
                    attention + "q_proj": queries,
                    attention + "k_proj": keys,
                    attention + "v_proj": keys,
                },
                hidden,
                bias=self._attention_bias,
            ),
            *_linear(
                own + "output", {attention + "o_proj": hidden}, queries, bias=self._attention_bias
            ),
            _vector(own + "inner_norm", source + "post_attention_layernorm.weight", hidden),
            *_linear(
                own + "gate", {feed_forward + "gate_proj": inner}, hidden, bias=self._inner_bias
            ),
            *_linear(own + "up", {feed_forward + "up_proj": inner}, hidden, bias=self._inner_bias),
            *_linear(
                own + "down", {feed_forward + "down_proj": hidden}, inner, bias=self._inner_bias
            ),
        )
        shared = (SharedWeight(COSINES, Role.TABLE), SharedWeight(SINES, Role.TABLE))
        return BlockPlan(BlockKind.LAYER, weights, shared)


def _dimensions(configuration: Configuration) -> Dimensions:
    hidden_size = configuration.dimension("hidden_size")
    heads = configuration.dimension("num_attention_heads")
    kv_heads = configuration.dimension("num_key_value_heads", heads)
    head_size = configuration.dimension("head_dim", max(1, hidden_size // heads))
    if heads % kv_heads or head_size % 2:
        raise BadInputError(
            f"{heads} attention heads of size {head_size} cannot share {kv_heads} key-value heads."
        )
    context = configuration.dimension("max_position_embeddings", DEFAULT_CONTEXT_TOKENS)
    return Dimensions(
        hidden_size,
        configuration.dimension("vocab_size"),
        configuration.dimension("num_hidden_layers", maximum=MAXIMUM_LAYERS),
        heads,
        kv_heads,
        head_size,
        min(context, MAXIMUM_CONTEXT_TOKENS),
    )


def _vector(name: str, source: str, size: int) -> Weight:
    return Weight(name, Role.VECTOR, (Part(source, (size,)),))


def _linear(
    name: str, sources: Mapping[str, int], columns: int, *, bias: bool
) -> tuple[Weight, ...]:
    matrix = Weight(
        name,
        Role.MATRIX,
        tuple(Part(source + ".weight", (rows, columns)) for source, rows in sources.items()),
    )
    if not bias:
        return (matrix,)
    biases = tuple(Part(source + ".bias", (rows,)) for source, rows in sources.items())
    return (matrix, Weight(name + BIAS_SUFFIX, Role.VECTOR, biases))
