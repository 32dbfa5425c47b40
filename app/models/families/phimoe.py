"""Phi-3.5-MoE (Abdin et al. 2024, section 4): experts chosen one by one (SparseMixer)."""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of, windows_of
from app.models.families.experts import expert_shape, router, separate_experts
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Dimensions, Part, Weight, WeightRole
from app.models.families.llama import (
    FINAL_NORM,
    NORMS,
    attention_weights,
    usual_attention,
    usual_style,
    usual_weights,
)
from app.models.families.mixtral import NAMES
from app.models.families.weights import HEAD, HEAD_NORM, affine
from app.models.graphs.experts import ExpertShape, Routing
from app.models.graphs.rotary import Rotary
from app.models.tensors import BIAS_SUFFIX

DEFAULT_EPSILON = 1e-5
DEFAULT_NOISE = 0.01


def phimoe(configuration: Configuration) -> GatedDecoder:
    """Return a Phi model with experts. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    inner_size = configuration.dimension("intermediate_size")
    biased = configuration.flag("attention_bias", default=False)
    shape = _shape(configuration, sizes)

    def layer(index: int) -> tuple[Weight, ...]:
        own, source = f"layer.{index}.", f"model.layers.{index}."
        norms = [affine(own + name, source + NORMS[name], sizes.hidden_size) for name in NORMS]
        experts = source + "block_sparse_moe."
        return (
            *(weight for norm in norms for weight in norm),
            *attention_weights(index, sizes, bias=biased, output_bias=biased),
            *router(index, experts + "gate", shape),
            *separate_experts(index, experts + "experts", NAMES, shape, inner_size),
        )

    rotary = _rotary(configuration)
    style = replace(
        usual_style(configuration, sizes),
        epsilon=configuration.number("rms_norm_eps", DEFAULT_EPSILON),
        rotary=rotary,
        attention=usual_attention(sizes, rotary),
        windows=windows_of(configuration, sizes, slides=lambda _layer: True),
        layer_norms=True,
        experts=shape,
    )
    head = affine(HEAD_NORM, FINAL_NORM.removesuffix(".weight"), sizes.hidden_size)
    if configuration.flag("lm_head_bias", default=False):
        bias = Part("lm_head.bias", (sizes.vocabulary_size,))
        head += (Weight(HEAD + BIAS_SUFFIX, WeightRole.VECTOR, (bias,)),)
    weights = replace(usual_weights(configuration, sizes, layer), head_norm=head)
    return GatedDecoder("phimoe", sizes, style, weights)


def _shape(configuration: Configuration, sizes: Dimensions) -> ExpertShape:
    """Return the experts; how near the best one has to be is twice what training's noise was."""
    shape = expert_shape(configuration, sizes, Routing.ONE_BY_ONE)
    noise = configuration.values.get("router_jitter_noise", DEFAULT_NOISE)
    is_none = not isinstance(noise, bool) and noise == 0
    known = 0.0 if is_none else configuration.number("router_jitter_noise", DEFAULT_NOISE)
    return replace(shape, nearness=2 * known)


def _rotary(configuration: Configuration) -> Rotary:
    """Return the rotation; where frequencies are stretched the file names the magnitude."""
    rotary = Rotary.from_configuration(configuration)
    section = configuration.section("rope_parameters") or configuration.section("rope_scaling")
    if section is None or rotary.scaling.kind == "default":
        return rotary
    magnitude = section.number("short_mscale", rotary.scaling.magnitude)
    return replace(rotary, scaling=replace(rotary.scaling, magnitude=magnitude))
