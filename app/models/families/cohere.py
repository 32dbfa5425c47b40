"""Command R and Command A: one norm for both halves of a layer, side by side; scaled logits.

Source: Cohere 2025 (Command A, section 2). From Command R7B on, layers with a window turn and those
that see all have no positions.
"""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.errors import UnusualModelError
from app.models.families.dimensions import dimensions_of, sliding_layers, windows_of
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Weight
from app.models.families.llama import (
    attention_weights,
    inner_weights,
    layer_norms,
    usual_style,
    usual_weights,
)

NORM = {"attention_norm": "input_layernorm"}
DEFAULT_EPSILON = 1e-5
DEFAULT_LOGIT_SCALE = 0.0625
DEFAULT_PATTERN = 4


def cohere(configuration: Configuration) -> GatedDecoder:
    """Return a Command R model. Raises `BadInputError` for what it does not compute."""
    if configuration.flag("use_qk_norm", default=False):
        raise UnusualModelError("family.cohere_head_norms")
    sizes = dimensions_of(configuration)
    bias = configuration.flag("attention_bias", default=False)
    inner_size = configuration.dimension("intermediate_size")

    def layer(index: int) -> tuple[Weight, ...]:
        return (
            *layer_norms(index, sizes, NORM),
            *attention_weights(index, sizes, bias=bias, output_bias=bias),
            *inner_weights(index, sizes, inner_size),
        )

    usual = usual_style(configuration, sizes)
    style = replace(
        usual,
        epsilon=configuration.number("layer_norm_eps", DEFAULT_EPSILON),
        attention=replace(usual.attention, interleaved=True),
        layer_norms=True,
        parallel=True,
        logit_scale=configuration.number("logit_scale", DEFAULT_LOGIT_SCALE),
    )
    weights = usual_weights(configuration, sizes, layer, tied=True)
    return GatedDecoder("cohere", sizes, style, weights)


def cohere2(configuration: Configuration) -> GatedDecoder:
    """Return a Command R7B or A model. Raises `BadInputError` for what it does not compute."""
    base = cohere(configuration)
    pattern = configuration.dimension(
        configuration.first_of("_sliding_window_pattern", "sliding_window_pattern"),
        DEFAULT_PATTERN,
    )

    def slides(layer: int) -> bool:
        return (layer + 1) % pattern != 0

    sliding = sliding_layers(configuration, base.dimensions, slides=slides)
    style = replace(
        base.style,
        windows=windows_of(configuration, base.dimensions, slides=slides),
        unturned_layers=frozenset(range(base.dimensions.layer_count)) - sliding,
    )
    return replace(base, name="cohere2", style=style)
