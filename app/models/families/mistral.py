"""Mistral: Llama whose layers see a window of tokens (Jiang et al. 2023, section 2).

Ministral 3 (Mistral AI 2025) stretches its positions by yarn. Beyond the original context its
queries grow with the position; contexts are cut to that.
"""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of, windows_of
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Weight
from app.models.families.llama import (
    attention_weights,
    inner_weights,
    layer_norms,
    usual_style,
    usual_weights,
)


def mistral(configuration: Configuration) -> GatedDecoder:
    """Return a Mistral model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    inner_size = configuration.dimension("intermediate_size")

    def layer(index: int) -> tuple[Weight, ...]:
        return (
            *layer_norms(index, sizes),
            *attention_weights(index, sizes, bias=False),
            *inner_weights(index, sizes, inner_size),
        )

    windows = windows_of(configuration, sizes, slides=lambda _layer: True)
    style = replace(usual_style(configuration, sizes), windows=windows)
    weights = usual_weights(configuration, sizes, layer)
    return GatedDecoder("mistral", sizes, style, weights)


def ministral3(configuration: Configuration) -> GatedDecoder:
    """Return a Ministral 3 model. Raises `BadInputError` for what it does not compute."""
    return replace(mistral(configuration), name="ministral3")
