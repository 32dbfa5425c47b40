"""The Llama family, and what the families built like it share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of
from app.models.families.gated import GatedDecoder, GatedStyle
from app.models.families.interface import Dimensions, Part, Weight
from app.models.families.weights import (
    HEAD_NORM,
    ROTARY_TABLES,
    DecoderWeights,
    linear,
    matrix,
    vector,
)
from app.models.graphs.attention import AttentionShape
from app.models.graphs.operators import require_activation
from app.models.graphs.rotary import Rotary

TABLE = "model.embed_tokens.weight"
FINAL_NORM = "model.norm.weight"
HEAD_MATRIX = "lm_head.weight"
DEFAULT_EPSILON = 1e-6
NORMS = {"attention_norm": "input_layernorm", "inner_norm": "post_attention_layernorm"}
"""Before attention and before the feed-forward."""


def llama(configuration: Configuration) -> GatedDecoder:
    """Return a Llama model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    biased = configuration.flag("attention_bias", default=False)
    inner_bias = configuration.flag("mlp_bias", default=False)
    inner_size = configuration.dimension("intermediate_size")

    def layer(index: int) -> tuple[Weight, ...]:
        return (
            *layer_norms(index, sizes),
            *attention_weights(index, sizes, bias=biased, output_bias=biased),
            *inner_weights(index, sizes, inner_size, bias=inner_bias),
        )

    weights = usual_weights(configuration, sizes, layer)
    return GatedDecoder("llama", sizes, usual_style(configuration, sizes), weights)


def usual_weights(
    configuration: Configuration,
    sizes: Dimensions,
    layer: Callable[[int], tuple[Weight, ...]],
    *,
    norm_offset: float = 0.0,
    tied: bool = False,
) -> DecoderWeights:
    """Return where the weights lie; `tied` tells what is meant where the configuration does not."""
    return DecoderWeights(
        Part(TABLE, (sizes.vocabulary_size, sizes.hidden_size)),
        layer,
        (vector(HEAD_NORM, FINAL_NORM, sizes.hidden_size, norm_offset),),
        head_part(configuration, sizes, tied=tied),
        shared=ROTARY_TABLES,
    )


def usual_style(configuration: Configuration, sizes: Dimensions) -> GatedStyle:
    """Return Llama's style: full attention, one norm before each half of a layer."""
    rotary = Rotary.from_configuration(configuration)
    return GatedStyle(
        activation=require_activation(configuration.text("hidden_act", "silu")),
        epsilon=configuration.number("rms_norm_eps", DEFAULT_EPSILON),
        rotary=rotary,
        attention=usual_attention(sizes, rotary),
        windows=(0,) * sizes.layer_count,
    )


def usual_attention(sizes: Dimensions, rotary: Rotary | None = None) -> AttentionShape:
    """Return attention scaled by the root of the head's size (Vaswani et al. 2017)."""
    size = sizes.head_size
    turned_size = rotary.turned_size(size) if rotary else 0
    scale = float(size) ** -0.5
    return AttentionShape(sizes.attention_heads, sizes.kv_heads, size, scale, turned_size)


def head_part(
    configuration: Configuration, sizes: Dimensions, *, tied: bool = False
) -> Part | None:
    """Return the head, or None where it is the embedding; `tied` is the family's default."""
    if configuration.flag("tie_word_embeddings", default=tied):
        return None
    return Part(HEAD_MATRIX, (sizes.vocabulary_size, sizes.hidden_size))


def layer_norms(
    layer: int, sizes: Dimensions, names: Mapping[str, str] = NORMS, offset: float = 0.0
) -> tuple[Weight, ...]:
    """Return a layer's norms; `names` are ours, each with the stored one."""
    own, source, size = f"layer.{layer}.", f"model.layers.{layer}.", sizes.hidden_size
    return tuple(
        vector(own + name, f"{source}{stored}.weight", size, offset)
        for name, stored in names.items()
    )


def attention_weights(
    layer: int, sizes: Dimensions, *, bias: bool, output_bias: bool = False
) -> tuple[Weight, ...]:
    """Return the projections, those of queries, keys and values as one."""
    own, source = f"layer.{layer}.", f"model.layers.{layer}.self_attn."
    hidden = sizes.hidden_size
    queries, keys = sizes.attention_heads * sizes.head_size, sizes.kv_heads * sizes.head_size
    packed = [
        matrix(source + name, rows, hidden)
        for name, rows in {"q_proj": queries, "k_proj": keys, "v_proj": keys}.items()
    ]
    output = matrix(source + "o_proj", hidden, queries)
    return (
        *linear(own + "query_key_value", *packed, bias=bias),
        *linear(own + "output", output, bias=output_bias),
    )


def inner_weights(
    layer: int, sizes: Dimensions, inner_size: int, *, bias: bool = False
) -> tuple[Weight, ...]:
    """Return the matrices of the gated feed-forward."""
    own, source, hidden = f"layer.{layer}.", f"model.layers.{layer}.mlp.", sizes.hidden_size
    return (
        *linear(own + "gate", matrix(source + "gate_proj", inner_size, hidden), bias=bias),
        *linear(own + "up", matrix(source + "up_proj", inner_size, hidden), bias=bias),
        *linear(own + "down", matrix(source + "down_proj", hidden, inner_size), bias=bias),
    )
