"""Phi-3 and Phi-4: projections stored as one, rotary scaling with a divisor for each frequency."""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of, windows_of
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Dimensions, Part, Weight
from app.models.families.llama import (
    layer_norms,
    usual_style,
    usual_weights,
)
from app.models.families.weights import linear, matrix


def phi3(configuration: Configuration) -> GatedDecoder:
    """Return a Phi-3 model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    inner_size = configuration.dimension("intermediate_size")

    def layer(index: int) -> tuple[Weight, ...]:
        return (*layer_norms(index, sizes), *_projections(index, sizes, inner_size))

    windows = windows_of(configuration, sizes, slides=lambda _layer: True)
    style = replace(usual_style(configuration, sizes), windows=windows)
    weights = usual_weights(configuration, sizes, layer)
    return GatedDecoder("phi3", sizes, style, weights)


def _projections(layer: int, sizes: Dimensions, inner_size: int) -> tuple[Weight, ...]:
    own, source = f"layer.{layer}.", f"model.layers.{layer}."
    hidden, queries = sizes.hidden_size, sizes.attention_heads * sizes.head_size
    packed_rows = queries + 2 * sizes.kv_heads * sizes.head_size
    packed = matrix(source + "self_attn.qkv_proj", packed_rows, hidden)
    output = matrix(source + "self_attn.o_proj", hidden, queries)
    return (
        *linear(own + "query_key_value", packed, bias=False),
        *linear(own + "output", output, bias=False),
        *packed_inner_weights(layer, sizes, inner_size),
    )


def packed_inner_weights(layer: int, sizes: Dimensions, inner_size: int) -> tuple[Weight, ...]:
    """Return a gated feed-forward whose first two matrices are stored as one."""
    own, source, hidden = f"layer.{layer}.", f"model.layers.{layer}.mlp.", sizes.hidden_size
    gate_up, shape = source + "gate_up_proj.weight", (2 * inner_size, hidden)
    gate = Part(gate_up, shape, rows=((0, inner_size),))
    up = Part(gate_up, shape, rows=((inner_size, 2 * inner_size),))
    return (
        *linear(own + "gate", gate, bias=False),
        *linear(own + "up", up, bias=False),
        *linear(own + "down", matrix(source + "down_proj", hidden, inner_size), bias=False),
    )
