"""gpt-oss (OpenAI 2025, section 2): sinks in attention, experts stored in blocks of four bits."""

from __future__ import annotations

from dataclasses import replace

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of, windows_of
from app.models.families.experts import expert_shape, expert_weights, router
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Part, Weight, WeightRole
from app.models.families.llama import attention_weights, layer_norms, usual_style, usual_weights
from app.models.families.weights import EXPERTS_IN, EXPERTS_OUT, vector
from app.models.graphs.experts import ExpertShape, Routing
from app.models.tensors import BIAS_SUFFIX

DEFAULT_EPSILON = 1e-5
STEEPNESS = 1.702
LIMIT = 7.0
FOUR_BITS = "mxfp4"


def gpt_oss(configuration: Configuration) -> GatedDecoder:
    """Return a gpt-oss model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    bias = configuration.flag("attention_bias", default=True)
    shape = expert_shape(configuration, sizes, Routing.SHARES)
    inner_size = configuration.dimension("intermediate_size")
    is_packed = _is_packed(configuration)

    def layer(index: int) -> tuple[Weight, ...]:
        own, source = f"layer.{index}.", f"model.layers.{index}."
        sinks = source + "self_attn.sinks"
        return (
            *layer_norms(index, sizes),
            *attention_weights(index, sizes, bias=bias, output_bias=bias),
            vector(own + "sinks", sinks, sizes.attention_heads),
            *router(index, source + "mlp.router", shape, bias=True),
            *_experts(index, shape, inner_size, is_packed=is_packed),
        )

    style = replace(
        usual_style(configuration, sizes),
        epsilon=configuration.number("rms_norm_eps", DEFAULT_EPSILON),
        windows=windows_of(configuration, sizes, slides=lambda layer: layer % 2 == 0),
        experts=shape,
        clamped=(
            configuration.number("swiglu_alpha", STEEPNESS),
            configuration.number("swiglu_limit", LIMIT),
        ),
    )
    return GatedDecoder("gpt_oss", sizes, style, usual_weights(configuration, sizes, layer))


def _is_packed(configuration: Configuration) -> bool:
    section = configuration.section("quantization_config")
    return section is not None and section.values.get("quant_method") == FOUR_BITS


def _experts(
    layer: int, shape: ExpertShape, inner_size: int, *, is_packed: bool
) -> tuple[Weight, ...]:
    """Return the experts: stored by rows in blocks, or turned where they are not in blocks."""
    own, source = f"layer.{layer}.", f"model.layers.{layer}.mlp.experts."
    sizes = {"gate_up_proj": (2 * inner_size, shape.hidden_size)}
    sizes["down_proj"] = (shape.hidden_size, inner_size)
    incoming, outgoing = (
        Part(
            source + name,
            (shape.count, *(size if is_packed else size[::-1])),
            transposed=not is_packed,
            stacked=True,
        )
        for name, size in sizes.items()
    )
    biases = (
        Weight(
            own + name + BIAS_SUFFIX,
            WeightRole.VECTOR,
            (Part(f"{source}{stored}_bias", (shape.count, sizes[stored][0])),),
            read_share=shape.chosen / shape.count,
        )
        for name, stored in zip((EXPERTS_IN, EXPERTS_OUT), sizes, strict=True)
    )
    return (*expert_weights(layer, shape, (incoming,), (outgoing,)), *biases)
