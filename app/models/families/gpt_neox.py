"""GPT-NeoX and Pythia: heads turn in part, attention and feed-forward may run side by side."""

from __future__ import annotations

from app.models.configuration import Configuration
from app.models.families.dimensions import dimensions_of
from app.models.families.interface import Dimensions, Part, Weight
from app.models.families.llama import usual_attention
from app.models.families.plain import PlainDecoder, PlainStyle
from app.models.families.weights import (
    HEAD_NORM,
    ROTARY_TABLES,
    DecoderWeights,
    affine,
    interleaved,
    linear,
    matrix,
)
from app.models.graphs.operators import require_activation
from app.models.graphs.rotary import DEFAULT_BASE, Rotary, RotaryScaling

DEFAULT_EPSILON = 1e-5
DEFAULT_PORTION = 0.25
TABLE = "gpt_neox.embed_in.weight"
HEAD_MATRIX = "embed_out.weight"


def gpt_neox(configuration: Configuration) -> PlainDecoder:
    """Return a GPT-NeoX model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    inner_size = configuration.dimension("intermediate_size")
    biased = configuration.flag("attention_bias", default=True)
    shape = (sizes.vocabulary_size, sizes.hidden_size)
    tied = configuration.flag("tie_word_embeddings", default=False)
    rotary = _rotary(configuration)
    weights = DecoderWeights(
        Part(TABLE, shape),
        lambda layer: _layer(layer, sizes, inner_size, biased=biased),
        affine(HEAD_NORM, "gpt_neox.final_layer_norm", sizes.hidden_size),
        None if tied else Part(HEAD_MATRIX, shape),
        shared=ROTARY_TABLES,
    )
    style = PlainStyle(
        activation=require_activation(configuration.text("hidden_act", "gelu")),
        epsilon=configuration.number("layer_norm_eps", DEFAULT_EPSILON),
        attention=usual_attention(sizes, rotary),
        rotary=rotary,
        parallel=configuration.flag("use_parallel_residual", default=True),
    )
    return PlainDecoder("gpt_neox", sizes, style, weights)


def _rotary(configuration: Configuration) -> Rotary:
    portion = configuration.number("rotary_pct", DEFAULT_PORTION)
    if configuration.section("rope_parameters") or configuration.section("rope_scaling"):
        return Rotary.from_configuration(configuration, portion)
    base = configuration.number("rotary_emb_base", DEFAULT_BASE)
    return Rotary(base, RotaryScaling(), portion)


def _layer(layer: int, sizes: Dimensions, inner_size: int, *, biased: bool) -> tuple[Weight, ...]:
    own, source, hidden = f"layer.{layer}.", f"gpt_neox.layers.{layer}.", sizes.hidden_size
    attention, inner = source + "attention.", source + "mlp."
    packed = interleaved(
        attention + "query_key_value", sizes.attention_heads, sizes.head_size, hidden
    )
    up = matrix(inner + "dense_h_to_4h", inner_size, hidden)
    down = matrix(inner + "dense_4h_to_h", hidden, inner_size)
    return (
        *affine(own + "attention_norm", source + "input_layernorm", hidden),
        *linear(own + "query_key_value", packed, bias=biased),
        *linear(own + "output", matrix(attention + "dense", hidden, hidden), bias=biased),
        *affine(own + "inner_norm", source + "post_attention_layernorm", hidden),
        *linear(own + "up", up, bias=True),
        *linear(own + "down", down, bias=True),
    )
