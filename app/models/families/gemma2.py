"""Gemma 2: soft caps, norms on both sides, windows in every other layer (Gemma Team 2024)."""

from __future__ import annotations

from collections.abc import Mapping

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of, windows_of
from app.models.families.gated import GatedDecoder, GatedStyle
from app.models.families.interface import Dimensions, Weight
from app.models.families.llama import (
    DEFAULT_EPSILON,
    attention_weights,
    inner_weights,
    layer_norms,
    usual_weights,
)
from app.models.families.weights import DecoderWeights
from app.models.graphs.attention import AttentionShape
from app.models.graphs.operators import require_activation
from app.models.graphs.rotary import Rotary

NORM_OFFSET = 1.0
"""Norms are stored as their distance from one."""
DEFAULT_QUERY_SCALAR = 256.0
NORMS = {
    "attention_norm": "input_layernorm",
    "attention_post_norm": "post_attention_layernorm",
    "inner_norm": "pre_feedforward_layernorm",
    "inner_post_norm": "post_feedforward_layernorm",
}


def gemma2(configuration: Configuration) -> GatedDecoder:
    """Return a Gemma 2 model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    weights = gemma_weights(configuration, sizes, NORMS)
    return GatedDecoder("gemma2", sizes, _style(configuration, sizes), weights)


def gemma_weights(
    configuration: Configuration, sizes: Dimensions, norms: Mapping[str, str]
) -> DecoderWeights:
    """Return the weights of a Gemma whose layers have these norms: our name, and the stored one."""
    inner_size = configuration.dimension("intermediate_size")
    bias = configuration.flag("attention_bias", default=False)

    def layer(index: int) -> tuple[Weight, ...]:
        return (
            *layer_norms(index, sizes, norms, NORM_OFFSET),
            *attention_weights(index, sizes, bias=bias, output_bias=bias),
            *inner_weights(index, sizes, inner_size),
        )

    return usual_weights(configuration, sizes, layer, norm_offset=NORM_OFFSET, tied=True)


def _style(configuration: Configuration, sizes: Dimensions) -> GatedStyle:
    activation = configuration.text("hidden_activation", "gelu_pytorch_tanh")
    scalar = configuration.number("query_pre_attn_scalar", DEFAULT_QUERY_SCALAR)
    rotary = Rotary.from_configuration(configuration)
    attention = AttentionShape(
        sizes.attention_heads,
        sizes.kv_heads,
        sizes.head_size,
        scalar**-0.5,
        rotary.turned_size(sizes.head_size),
        limit_of(configuration, "attn_logit_softcapping"),
    )
    return GatedStyle(
        activation=require_activation(activation),
        epsilon=configuration.number("rms_norm_eps", DEFAULT_EPSILON),
        rotary=rotary,
        attention=attention,
        windows=windows_of(configuration, sizes, slides=lambda layer: layer % 2 == 0),
        embedding_scale=float(sizes.hidden_size) ** 0.5,
        logit_softcap=limit_of(configuration, "final_logit_softcapping"),
    )


def limit_of(configuration: Configuration, name: str) -> float:
    """Return a soft cap, 0 where there is none."""
    return configuration.number(name) if configuration.values.get(name) is not None else 0.0
