"""OLMo 2 and 3: norms behind each half of a layer, whole rows of queries and keys normed.

Sources: OLMo Team 2024 (OLMo 2, section 3); OLMo Team 2025 (OLMo 3, section 2: three layers with a
window, one without, and only the latter's positions stretched).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of, sliding_layers, windows_of
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Dimensions, Weight
from app.models.families.llama import (
    attention_weights,
    inner_weights,
    layer_norms,
    usual_style,
    usual_weights,
)
from app.models.families.rotaries import layer_rotaries, with_rotary
from app.models.families.weights import LOCAL_TABLES, vector

NORMS_BEHIND = {
    "attention_post_norm": "post_attention_layernorm",
    "inner_post_norm": "post_feedforward_layernorm",
}
DEFAULT_EPSILON = 1e-5
DEFAULT_BASE = 500_000.0
PATTERN = 4


def olmo2(configuration: Configuration) -> GatedDecoder:
    """Return an OLMo 2 model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    bias = configuration.flag("attention_bias", default=False)
    inner_size = configuration.dimension("intermediate_size")

    def layer(index: int) -> tuple[Weight, ...]:
        return (
            *layer_norms(index, sizes, NORMS_BEHIND),
            *attention_weights(index, sizes, bias=bias, output_bias=bias),
            *row_norms(index, sizes),
            *inner_weights(index, sizes, inner_size),
        )

    style = replace(
        usual_style(configuration, sizes),
        epsilon=configuration.number("rms_norm_eps", DEFAULT_EPSILON),
        row_norms=True,
    )
    return GatedDecoder("olmo2", sizes, style, usual_weights(configuration, sizes, layer))


def olmo3(configuration: Configuration) -> GatedDecoder:
    """Return an OLMo 3 model. Raises `BadInputError` for what it does not compute."""
    whole, local = layer_rotaries(configuration, DEFAULT_BASE)
    base = olmo2(with_rotary(configuration, {}))
    slides: Callable[[int], bool] = lambda layer: (layer + 1) % PATTERN != 0  # noqa: E731
    style = replace(
        base.style,
        rotary=whole,
        local_rotary=local,
        local_layers=sliding_layers(configuration, base.dimensions, slides=slides),
        windows=windows_of(configuration, base.dimensions, slides=slides),
    )
    weights = replace(base.weights, shared=(*base.weights.shared, *LOCAL_TABLES))
    return replace(base, name="olmo3", style=style, weights=weights)


def row_norms(layer: int, sizes: Dimensions) -> tuple[Weight, ...]:
    """Return the norms of a row's queries and of its keys, all heads together."""
    own, source = f"layer.{layer}.", f"model.layers.{layer}.self_attn."
    queries, keys = sizes.attention_heads * sizes.head_size, sizes.kv_heads * sizes.head_size
    return (
        vector(own + "query_norm", source + "q_norm.weight", queries),
        vector(own + "key_norm", source + "k_norm.weight", keys),
    )
