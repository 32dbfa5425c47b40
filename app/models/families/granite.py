"""Granite 3 (IBM 2024): Llama with a multiplier for embedding, attention, residuals and logits."""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.experts import expert_shape, router, stacked_experts
from app.models.families.gated import GatedDecoder, GatedStyle
from app.models.families.interface import Dimensions, Part, Weight
from app.models.families.llama import attention_weights, layer_norms, llama
from app.models.families.weights import linear, matrix
from app.models.graphs.experts import Routing


def granite(configuration: Configuration) -> GatedDecoder:
    """Return a Granite model. Raises `BadInputError` for what it does not compute."""
    base = llama(configuration)
    return replace(base, name="granite", style=multiplied(configuration, base.style))


def granite_moe(configuration: Configuration) -> GatedDecoder:
    """Return a Granite model with experts; in some a feed-forward for all tokens beside them."""
    base = granite(configuration)
    sizes = base.dimensions
    inner_size = configuration.dimension("intermediate_size")
    shared_size = configuration.values.get("shared_intermediate_size") or 0
    shape = expert_shape(configuration, sizes, Routing.SHARES)
    bias = configuration.flag("attention_bias", default=False)

    def layer(index: int) -> tuple[Weight, ...]:
        source = f"model.layers.{index}.block_sparse_moe."
        stacks = (source + "input_linear.weight", source + "output_linear.weight")
        return (
            *layer_norms(index, sizes),
            *attention_weights(index, sizes, bias=bias, output_bias=bias),
            *(_shared_weights(configuration, index, sizes) if shared_size else ()),
            *router(index, source + "router.layer", shape),
            *stacked_experts(index, *stacks, shape, inner_size),
        )

    style = replace(base.style, experts=shape)
    weights = replace(base.weights, layer=layer)
    return replace(base, name="granitemoe", style=style, weights=weights)


def _shared_weights(
    configuration: Configuration, layer: int, sizes: Dimensions
) -> tuple[Weight, ...]:
    own, source = f"layer.{layer}.", f"model.layers.{layer}.shared_mlp."
    inner_size, hidden = configuration.dimension("shared_intermediate_size"), sizes.hidden_size
    name, shape = source + "input_linear.weight", (2 * inner_size, hidden)
    gate = Part(name, shape, rows=((0, inner_size),))
    up = Part(name, shape, rows=((inner_size, 2 * inner_size),))
    return (
        *linear(own + "gate", gate, bias=False),
        *linear(own + "up", up, bias=False),
        *linear(own + "down", matrix(source + "output_linear", hidden, inner_size), bias=False),
    )


def multiplied(configuration: Configuration, style: GatedStyle) -> GatedStyle:
    """Return a style with Granite's multipliers."""
    return replace(
        style,
        attention=replace(style.attention, scale=configuration.number("attention_multiplier", 1.0)),
        embedding_scale=configuration.number("embedding_multiplier", 1.0),
        residual_scale=configuration.number("residual_multiplier", 1.0),
        logit_scale=1 / configuration.number("logits_scaling", 1.0),
    )
