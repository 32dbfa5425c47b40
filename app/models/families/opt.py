"""OPT (Zhang et al. 2022): learned positions, of which the first two rows are never used."""

from __future__ import annotations

from app.models.configuration import Configuration
from app.models.errors import UnusualModelError
from app.models.families.dimensions import dimensions_of
from app.models.families.interface import Dimensions, Part, Weight, WeightRole
from app.models.families.llama import head_part, usual_attention
from app.models.families.plain import POSITIONS, PlainDecoder, PlainStyle
from app.models.families.weights import HEAD_NORM, DecoderWeights, affine, linear, matrix
from app.models.graphs.operators import require_activation

EPSILON = 1e-5
UNUSED_POSITIONS = 2


def opt(configuration: Configuration) -> PlainDecoder:
    """Return an OPT model. Raises `BadInputError` for what it does not compute."""
    sizes = dimensions_of(configuration)
    _refuse_unusual(configuration, sizes)
    stored = configuration.dimension("max_position_embeddings", sizes.context_tokens)
    used = (UNUSED_POSITIONS, UNUSED_POSITIONS + sizes.context_tokens)
    place_shape = (stored + UNUSED_POSITIONS, sizes.hidden_size)
    place_part = Part("model.decoder.embed_positions.weight", place_shape, rows=(used,))
    biased = configuration.flag("enable_bias", default=True)
    inner_size = configuration.dimension("ffn_dim")
    weights = DecoderWeights(
        Part("model.decoder.embed_tokens.weight", (sizes.vocabulary_size, sizes.hidden_size)),
        lambda layer: _layer(layer, sizes, inner_size, biased=biased),
        affine(HEAD_NORM, "model.decoder.final_layer_norm", sizes.hidden_size),
        head_part(configuration, sizes, tied=True),
        beside_table=(Weight(POSITIONS, WeightRole.TABLE, (place_part,)),),
    )
    style = PlainStyle(
        activation=require_activation(configuration.text("activation_function", "relu")),
        epsilon=EPSILON,
        attention=usual_attention(sizes),
        learned_positions=True,
    )
    return PlainDecoder("opt", sizes, style, weights)


def _refuse_unusual(configuration: Configuration, sizes: Dimensions) -> None:
    if not configuration.flag("do_layer_norm_before", default=True):
        raise UnusualModelError("family.opt_norm_behind")
    if not configuration.flag("layer_norm_elementwise_affine", default=True):
        raise UnusualModelError("family.opt_norm_weightless")
    if configuration.dimension("word_embed_proj_dim", sizes.hidden_size) != sizes.hidden_size:
        raise UnusualModelError("family.opt_projected")


def _layer(layer: int, sizes: Dimensions, inner_size: int, *, biased: bool) -> tuple[Weight, ...]:
    own, source, hidden = f"layer.{layer}.", f"model.decoder.layers.{layer}.", sizes.hidden_size
    attention = source + "self_attn."
    packed = [matrix(f"{attention}{part}_proj", hidden, hidden) for part in "qkv"]
    return (
        *affine(own + "attention_norm", source + "self_attn_layer_norm", hidden),
        *linear(own + "query_key_value", *packed, bias=biased),
        *linear(own + "output", matrix(attention + "out_proj", hidden, hidden), bias=biased),
        *affine(own + "inner_norm", source + "final_layer_norm", hidden),
        *linear(own + "up", matrix(source + "fc1", inner_size, hidden), bias=biased),
        *linear(own + "down", matrix(source + "fc2", hidden, inner_size), bias=biased),
    )
