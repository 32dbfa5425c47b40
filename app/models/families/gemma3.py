"""Gemma 3, texts: norms of queries and keys, two rates of rotation (Gemma Team 2025, section 2).

Five layers see a window and turn at a base of 10,000; each sixth sees all and turns at a million.
"""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.errors import UnusualModelError
from app.models.families.dimensions import sliding_layers, windows_of
from app.models.families.gated import GatedDecoder
from app.models.families.gemma2 import NORM_OFFSET, gemma2
from app.models.families.interface import Weight
from app.models.families.rotaries import layer_rotaries, with_rotary
from app.models.families.weights import LOCAL_TABLES, vector

DEFAULT_PATTERN = 6
BOTH_WAYS = "use_bidirectional_attention"
DEFAULT_BASE = 1_000_000.0
LOCAL_BASE = 10_000.0


def gemma3(configuration: Configuration) -> GatedDecoder:
    """Return a Gemma 3 model. Raises `BadInputError` for what it does not compute."""
    if configuration.flag(BOTH_WAYS, default=False):
        raise UnusualModelError("family.gemma_both_ways")
    whole, local = layer_rotaries(
        configuration, DEFAULT_BASE, configuration.number("rope_local_base_freq", LOCAL_BASE)
    )
    base = gemma2(with_rotary(configuration, {}))
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
