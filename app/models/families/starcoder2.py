"""StarCoder2 (Lozhkov et al. 2024, section 6): rotary positions, few keys, a window."""

from __future__ import annotations

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of, windows_of
from app.models.families.interface import Dimensions, Part, Weight
from app.models.families.llama import TABLE, attention_weights, head_part, usual_attention
from app.models.families.plain import PlainDecoder, PlainStyle
from app.models.families.weights import (
    HEAD_NORM,
    ROTARY_TABLES,
    DecoderWeights,
    affine,
    linear,
    matrix,
)
from app.models.graphs.operators import require_activation
from app.models.graphs.rotary import Rotary

DEFAULT_EPSILON = 1e-5


def starcoder2(configuration: Configuration) -> PlainDecoder:
    """Return a StarCoder2 model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    inner_size = configuration.dimension("intermediate_size")
    biased = configuration.flag("use_bias", default=True)
    rotary = Rotary.from_configuration(configuration)
    weights = DecoderWeights(
        Part(TABLE, (sizes.vocabulary_size, sizes.hidden_size)),
        lambda layer: _layer(layer, sizes, inner_size, biased=biased),
        affine(HEAD_NORM, "model.norm", sizes.hidden_size),
        head_part(configuration, sizes, tied=True),
        shared=ROTARY_TABLES,
    )
    style = PlainStyle(
        activation=require_activation(configuration.text("hidden_act", "gelu_pytorch_tanh")),
        epsilon=configuration.number("norm_epsilon", DEFAULT_EPSILON),
        attention=usual_attention(sizes, rotary),
        rotary=rotary,
        windows=windows_of(configuration, sizes, slides=lambda _layer: True),
    )
    return PlainDecoder("starcoder2", sizes, style, weights)


def _layer(layer: int, sizes: Dimensions, inner_size: int, *, biased: bool) -> tuple[Weight, ...]:
    own, source, hidden = f"layer.{layer}.", f"model.layers.{layer}.", sizes.hidden_size
    up = matrix(source + "mlp.c_fc", inner_size, hidden)
    down = matrix(source + "mlp.c_proj", hidden, inner_size)
    return (
        *affine(own + "attention_norm", source + "input_layernorm", hidden),
        *attention_weights(layer, sizes, bias=biased, output_bias=biased),
        *affine(own + "inner_norm", source + "post_attention_layernorm", hidden),
        *linear(own + "up", up, bias=biased),
        *linear(own + "down", down, bias=biased),
    )
