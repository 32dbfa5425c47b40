"""Gemma: Llama with a scaled embedding and norms stored as distances (Gemma Team 2024a)."""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of
from app.models.families.gated import GatedDecoder
from app.models.families.gemma2 import gemma_weights
from app.models.families.llama import NORMS, usual_style
from app.models.graphs.operators import require_activation

DEFAULT_ACTIVATION = "gelu_pytorch_tanh"
"""What the first configurations mean by `gelu` too."""


def gemma(configuration: Configuration) -> GatedDecoder:
    """Return a Gemma model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    weights = gemma_weights(configuration, sizes, NORMS)
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
