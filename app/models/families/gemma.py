"""Gemma: Llama with a scaled embedding and norms stored as distances (Gemma Team 2024a)."""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of
from app.models.families.gated import GatedDecoder
from app.models.families.gemma2 import NORM_OFFSET
from app.models.families.interface import Weight
from app.models.families.llama import (
    attention_weights,
    inner_weights,
    usual_style,
    usual_weights,
)
from app.models.families.weights import vector
from app.models.graphs.operators import require_activation

_NORMS = {"attention_norm": "input_layernorm", "inner_norm": "post_attention_layernorm"}
DEFAULT_ACTIVATION = "gelu_pytorch_tanh"
"""What the first configurations mean by `gelu` too."""


def gemma(configuration: Configuration) -> GatedDecoder:
    """Return a Gemma model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    inner_size = configuration.dimension("intermediate_size")
    bias = configuration.flag("attention_bias", default=False)

    def layer(index: int) -> tuple[Weight, ...]:
        own, source = f"layer.{index}.", f"model.layers.{index}."
        norms = (
            vector(own + name, f"{source}{stored}.weight", sizes.hidden_size, NORM_OFFSET)
            for name, stored in _NORMS.items()
        )
        return (
            *norms,
            *attention_weights(index, sizes, bias=bias, output_bias=bias),
            *inner_weights(index, sizes, inner_size),
        )

    weights = usual_weights(configuration, sizes, layer, norm_offset=NORM_OFFSET, tied=True)
    known = Configuration({**configuration.values, "hidden_act": "silu"})
    style = replace(
        usual_style(known, sizes),
        activation=require_activation(_activation(configuration)),
        embedding_scale=float(sizes.hidden_size) ** 0.5,
    )
    return GatedDecoder("gemma", sizes, style, weights)


def _activation(configuration: Configuration) -> str:
    named = configuration.first_of("hidden_activation", "hidden_act")
    activation = configuration.text(named, DEFAULT_ACTIVATION)
    return DEFAULT_ACTIVATION if activation == "gelu" else activation
