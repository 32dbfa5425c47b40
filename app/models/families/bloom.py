"""BLOOM (BigScience 2022): positions as a bias on the scores, a norm behind the embedding."""

from __future__ import annotations

from app.models.configuration import Configuration
from app.models.errors import UnusualModelError
from app.models.families.dimensions import dimensions_of
from app.models.families.interface import Dimensions, Part, Weight
from app.models.families.llama import head_part, usual_attention
from app.models.families.plain import PlainDecoder, PlainStyle
from app.models.families.weights import (
    EMBEDDING_NORM,
    HEAD_NORM,
    DecoderWeights,
    affine,
    interleaved,
    linear,
    matrix,
)

DEFAULT_EPSILON = 1e-5
ACTIVATION = "gelu_pytorch_tanh"
_NORMED_RESIDUAL = "apply_residual_connection_post_layernorm"


def bloom(configuration: Configuration) -> PlainDecoder:
    """Return a BLOOM model. Raises `BadInputError` for what it does not compute."""
    if configuration.flag(_NORMED_RESIDUAL, default=False):
        raise UnusualModelError("family.bloom_residual_at_norm")
    sizes = dimensions_of(configuration)
    table = "transformer.word_embeddings"
    weights = DecoderWeights(
        Part(table + ".weight", (sizes.vocabulary_size, sizes.hidden_size)),
        lambda layer: _layer(layer, sizes),
        affine(HEAD_NORM, "transformer.ln_f", sizes.hidden_size),
        head_part(configuration, sizes, tied=True),
        beside_table=affine(EMBEDDING_NORM, table + "_layernorm", sizes.hidden_size),
    )
    style = PlainStyle(
        activation=ACTIVATION,
        epsilon=configuration.number("layer_norm_epsilon", DEFAULT_EPSILON),
        attention=usual_attention(sizes),
        linear_bias=True,
        embedding_norm=True,
    )
    return PlainDecoder("bloom", sizes, style, weights)


def _layer(layer: int, sizes: Dimensions) -> tuple[Weight, ...]:
    own, source, hidden = f"layer.{layer}.", f"transformer.h.{layer}.", sizes.hidden_size
    attention, inner = source + "self_attention.", source + "mlp."
    packed = interleaved(
        attention + "query_key_value", sizes.attention_heads, sizes.head_size, hidden
    )
    up = matrix(inner + "dense_h_to_4h", 4 * hidden, hidden)
    down = matrix(inner + "dense_4h_to_h", hidden, 4 * hidden)
    return (
        *affine(own + "attention_norm", source + "input_layernorm", hidden),
        *linear(own + "query_key_value", packed, bias=True),
        *linear(own + "output", matrix(attention + "dense", hidden, hidden), bias=True),
        *affine(own + "inner_norm", source + "post_attention_layernorm", hidden),
        *linear(own + "up", up, bias=True),
        *linear(own + "down", down, bias=True),
    )
