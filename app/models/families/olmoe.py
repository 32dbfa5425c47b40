"""OLMoE (Muennighoff et al. 2024, section 2): 64 small experts, whole rows of queries normed."""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.errors import UnusualModelError
from app.models.families.dimensions import dimensions_of
from app.models.families.experts import expert_shape, router, routing_of, separate_experts
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Weight
from app.models.families.llama import attention_weights, layer_norms, usual_style, usual_weights
from app.models.families.olmo import DEFAULT_EPSILON, row_norms
from app.models.families.weights import EXPERT_NAMES


def olmoe(configuration: Configuration) -> GatedDecoder:
    """Return an OLMoE model. Raises `BadInputError` for what it does not compute."""
    if configuration.values.get("clip_qkv") is not None:
        raise UnusualModelError("family.clipped_queries")
    sizes = dimensions_of(configuration)
    bias = configuration.flag("attention_bias", default=False)
    inner_size = configuration.dimension("intermediate_size")
    shape = expert_shape(configuration, sizes, routing_of(configuration))

    def layer(index: int) -> tuple[Weight, ...]:
        source = f"model.layers.{index}.mlp."
        return (
            *layer_norms(index, sizes),
            *attention_weights(index, sizes, bias=bias, output_bias=bias),
            *row_norms(index, sizes),
            *router(index, source + "gate", shape),
            *separate_experts(index, source + "experts", EXPERT_NAMES, shape, inner_size),
        )

    style = replace(
        usual_style(configuration, sizes),
        epsilon=configuration.number("rms_norm_eps", DEFAULT_EPSILON),
        row_norms=True,
        experts=shape,
    )
    return GatedDecoder("olmoe", sizes, style, usual_weights(configuration, sizes, layer))
