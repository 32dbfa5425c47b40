"""GLM-4: neighbours turn together, in half of each head; the second release norms behind as well.

Source: GLM Team 2024 (ChatGLM: From GLM-130B to GLM-4, section 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Weight
from app.models.families.llama import (
    NORMS,
    attention_weights,
    layer_norms,
    usual_attention,
    usual_style,
    usual_weights,
)
from app.models.families.phi3 import packed_inner_weights
from app.models.graphs.rotary import Rotary

PORTION = 0.5
NORMS_AROUND = {
    **NORMS,
    "attention_post_norm": "post_self_attn_layernorm",
    "inner_post_norm": "post_mlp_layernorm",
}


def glm(configuration: Configuration) -> GatedDecoder:
    """Return a GLM-4 model of 2024. Raises `BadInputError` for what it does not compute."""
    return _glm("glm", configuration, NORMS)


def glm4(configuration: Configuration) -> GatedDecoder:
    """Return a GLM-4 model of 2025. Raises `BadInputError` for what it does not compute."""
    return _glm("glm4", configuration, NORMS_AROUND)


def _glm(name: str, configuration: Configuration, norms: Mapping[str, str]) -> GatedDecoder:
    sizes = dimensions_of(configuration)
    bias = configuration.flag("attention_bias", default=True)
    inner_size = configuration.dimension("intermediate_size")

    def layer(index: int) -> tuple[Weight, ...]:
        return (
            *layer_norms(index, sizes, norms),
            *attention_weights(index, sizes, bias=bias),
            *packed_inner_weights(index, sizes, inner_size),
        )

    rotary = Rotary.from_configuration(configuration, PORTION)
    style = replace(
        usual_style(configuration, sizes),
        rotary=rotary,
        attention=replace(usual_attention(sizes, rotary), interleaved=True),
    )
    return GatedDecoder(name, sizes, style, usual_weights(configuration, sizes, layer))
