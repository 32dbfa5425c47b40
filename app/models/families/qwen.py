"""Qwen 2 and 2.5, whose queries, keys and values have biases, and Qwen 3, which norms them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of, windows_of
from app.models.families.gated import GatedDecoder, GatedStyle
from app.models.families.interface import Dimensions, Weight
from app.models.families.llama import (
    attention_weights,
    inner_weights,
    layer_norms,
    usual_style,
    usual_weights,
)
from app.models.families.weights import DecoderWeights, vector


def qwen2(configuration: Configuration) -> GatedDecoder:
    """Return a Qwen 2 model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)

    def attention(layer: int) -> tuple[Weight, ...]:
        return attention_weights(layer, sizes, bias=True)

    style = _style(configuration, sizes)
    weights = _weights(configuration, sizes, attention)
    return GatedDecoder("qwen2", sizes, style, weights)


def qwen3(configuration: Configuration) -> GatedDecoder:
    """Return a Qwen 3 model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    bias = configuration.flag("attention_bias", default=False)

    def attention(layer: int) -> tuple[Weight, ...]:
        own, source = f"layer.{layer}.", f"model.layers.{layer}.self_attn."
        return (
            *attention_weights(layer, sizes, bias=bias, output_bias=bias),
            vector(own + "query_norm", source + "q_norm.weight", sizes.head_size),
            vector(own + "key_norm", source + "k_norm.weight", sizes.head_size),
        )

    style = replace(_style(configuration, sizes), head_norms=True)
    weights = _weights(configuration, sizes, attention)
    return GatedDecoder("qwen3", sizes, style, weights)


def _weights(
    configuration: Configuration,
    sizes: Dimensions,
    attention: Callable[[int], tuple[Weight, ...]],
) -> DecoderWeights:
    inner_size = configuration.dimension("intermediate_size")

    def layer(index: int) -> tuple[Weight, ...]:
        return (
            *layer_norms(index, sizes),
            *attention(index),
            *inner_weights(index, sizes, inner_size),
        )

    return usual_weights(configuration, sizes, layer)


def _style(configuration: Configuration, sizes: Dimensions) -> GatedStyle:
    """Return Llama's style; where windows are in use, the later layers have one."""
    style = usual_style(configuration, sizes)
    if not configuration.flag("use_sliding_window", default=False):
        return style
    first = configuration.dimension("max_window_layers", sizes.layer_count)
    windows = windows_of(configuration, sizes, slides=lambda layer: layer >= first)
    return replace(style, windows=windows)
