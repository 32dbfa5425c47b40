"""Mixtral (Jiang et al. 2024): Mistral with eight experts, of which each token has two."""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of, windows_of
from app.models.families.experts import expert_shape, router, separate_experts
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Weight
from app.models.families.llama import attention_weights, layer_norms, usual_style, usual_weights
from app.models.graphs.experts import Routing

NAMES = ("w1", "w3", "w2")


def mixtral(configuration: Configuration) -> GatedDecoder:
    """Return a Mixtral model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    inner_size = configuration.dimension("intermediate_size")
    shape = expert_shape(configuration, sizes, Routing.SHARES)

    def layer(index: int) -> tuple[Weight, ...]:
        source = f"model.layers.{index}.block_sparse_moe."
        return (
            *layer_norms(index, sizes),
            *attention_weights(index, sizes, bias=False),
            *router(index, source + "gate", shape),
            *separate_experts(index, source + "experts", NAMES, shape, inner_size),
        )

    style = replace(
        usual_style(configuration, sizes),
        windows=windows_of(configuration, sizes, slides=lambda _layer: True),
        experts=shape,
    )
    return GatedDecoder("mixtral", sizes, style, usual_weights(configuration, sizes, layer))
