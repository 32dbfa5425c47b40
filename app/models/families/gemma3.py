"""Gemma 3, texts: norms of queries and keys, two rates of rotation (Gemma Team 2025, section 2).

Five layers see a window and turn at a base of 10,000; each sixth sees all and turns at a million.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.models.configuration import Configuration
from app.models.errors import UnusualModelError
from app.models.families.dimensions import sliding_layers, windows_of
from app.models.families.gated import GatedDecoder
from app.models.families.gemma2 import NORM_OFFSET, gemma2
from app.models.families.interface import Weight
from app.models.families.weights import LOCAL_TABLES, vector
from app.models.graphs.rotary import Rotary, RotaryScaling

DEFAULT_PATTERN = 6
DEFAULT_LOCAL_BASE = 10_000.0


def gemma3(configuration: Configuration) -> GatedDecoder:
    """Return a Gemma 3 model. Raises `BadInputError` for what it does not compute."""
    if configuration.flag("use_bidirectional_attention", default=False):
        raise UnusualModelError("family.gemma_both_ways")
    whole, local = _rotaries(configuration)
    base = gemma2(_with_rotary(configuration, {}))
    sizes, of_gemma2 = base.dimensions, base.weights
    pattern = configuration.dimension(
        configuration.first_of("_sliding_window_pattern", "sliding_window_pattern"),
        DEFAULT_PATTERN,
    )

    def slides(layer: int) -> bool:
        return (layer + 1) % pattern != 0

    def layer(index: int) -> tuple[Weight, ...]:
        own, source = f"layer.{index}.", f"model.layers.{index}.self_attn."
        size = sizes.head_size
        return (
            *of_gemma2.layer(index),
            vector(own + "query_norm", source + "q_norm.weight", size, NORM_OFFSET),
            vector(own + "key_norm", source + "k_norm.weight", size, NORM_OFFSET),
        )

    style = replace(
        base.style,
        rotary=whole,
        local_rotary=local,
        local_layers=sliding_layers(configuration, sizes, slides=slides),
        windows=windows_of(configuration, sizes, slides=slides),
        head_norms=True,
    )
    weights = replace(of_gemma2, layer=layer, shared=(*of_gemma2.shared, *LOCAL_TABLES))
    return GatedDecoder("gemma3", sizes, style, weights)


def _rotaries(configuration: Configuration) -> tuple[Rotary, Rotary]:
    """Return how layers turn that see all, and those with a window."""
    section = configuration.section("rope_parameters")
    whole = section.section("full_attention") if section else None
    local = section.section("sliding_attention") if section else None
    if whole is not None and local is not None:
        return (
            Rotary.from_configuration(_with_rotary(configuration, whole.values)),
            Rotary.from_configuration(_with_rotary(configuration, local.values)),
        )
    base = configuration.number("rope_local_base_freq", DEFAULT_LOCAL_BASE)
    return Rotary.from_configuration(configuration), Rotary(base, RotaryScaling())


def _with_rotary(configuration: Configuration, fields: Mapping[str, object]) -> Configuration:
    return Configuration(
        {**configuration.values, "rope_parameters": fields or None, "rope_scaling": None}
    )
