"""Qwen 3 with experts (Yang et al. 2025, section 2): many small ones, in all or some layers."""

from __future__ import annotations

from dataclasses import replace

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.families.dimensions import windows_of
from app.models.families.experts import expert_shape, router, routing_of, separate_experts
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Weight
from app.models.families.qwen import qwen3
from app.models.families.weights import EXPERT_NAMES

INNER = ("gate", "up", "down")


def qwen3_moe(configuration: Configuration) -> GatedDecoder:
    """Return a Qwen 3 model with experts. Raises `BadInputError` for what it does not compute."""
    base = qwen3(configuration)
    sizes = base.dimensions
    inner_size = configuration.dimension("moe_intermediate_size")
    shape = expert_shape(configuration, sizes, routing_of(configuration))
    step = configuration.dimension("decoder_sparse_step", 1)
    dense = _dense_layers(configuration)

    def layer(index: int) -> tuple[Weight, ...]:
        whole = base.weights.layer(index)
        if index in dense or (index + 1) % step:
            return whole
        source, inner = f"model.layers.{index}.mlp.", {f"layer.{index}.{name}" for name in INNER}
        return (
            *(weight for weight in whole if weight.name not in inner),
            *router(index, source + "gate", shape),
            *separate_experts(index, source + "experts", EXPERT_NAMES, shape, inner_size),
        )

    windows = base.style.windows
    if configuration.flag("use_sliding_window", default=False):
        windows = windows_of(configuration, sizes, slides=lambda _layer: True)
    style = replace(base.style, experts=shape, windows=windows)
    weights = replace(base.weights, layer=layer)
    return replace(base, name="qwen3_moe", style=style, weights=weights)


def _dense_layers(configuration: Configuration) -> frozenset[int]:
    listed = configuration.values.get("mlp_only_layers")
    if listed is None:
        return frozenset()
    if not isinstance(listed, list) or not all(isinstance(each, int) for each in listed):
        raise BadInputError("configuration.not_a_list", field="mlp_only_layers")
    return frozenset(listed)
