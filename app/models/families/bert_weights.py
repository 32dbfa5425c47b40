"""The weights of BERT and its kin: beside the embedding, of a layer, and what layers share."""

from __future__ import annotations

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.families.bert_names import DEBERTA, BertTensorNames
from app.models.families.deberta import distance_weights, own_projections
from app.models.families.encoder import DISTANCE_BIAS, SEGMENT
from app.models.families.interface import Dimensions, Part, Weight, WeightRole
from app.models.families.plain import POSITIONS
from app.models.families.weights import EMBEDDING, EMBEDDING_NORM, affine, linear, matrix

DEFAULT_PAD_TOKEN = 1
BUCKETS, FARTHEST = 32, 128
"""Of MPNet's distances; no configuration says so."""


def unused_positions(names: BertTensorNames, configuration: Configuration) -> int:
    """Return how many of the first positions no token has."""
    if not names.positions_after_pad:
        return 0
    return (configuration.tokens("pad_token_id") or (DEFAULT_PAD_TOKEN,))[0] + 1


def embedding_weights(
    names: BertTensorNames, configuration: Configuration, sizes: Dimensions
) -> tuple[Weight, ...]:
    """Return the rows of tokens and what is read beside them."""
    source, hidden = names.prefix + "embeddings.", sizes.hidden_size
    table = matrix(source + "word_embeddings", sizes.vocabulary_size, hidden)
    return (
        Weight(EMBEDDING, WeightRole.EMBEDDING, (table,)),
        *_positions(names, configuration, sizes),
        *(_segment(source, configuration, hidden) if names.segments else ()),
        *affine(EMBEDDING_NORM, names.prefix + names.embedding_norm, hidden),
        *_distances(names, configuration, sizes),
    )


def _positions(
    names: BertTensorNames, configuration: Configuration, sizes: Dimensions
) -> tuple[Weight, ...]:
    if not (names.positions and configuration.flag("position_biased_input", default=True)):
        return ()
    stored = configuration.dimension("max_position_embeddings")
    unused = unused_positions(names, configuration)
    used = (unused, unused + sizes.context_tokens)
    source = names.prefix + "embeddings.position_embeddings.weight"
    places = Part(source, (stored, sizes.hidden_size), rows=(used,))
    return (Weight(POSITIONS, WeightRole.TABLE, (places,)),)


def _segment(source: str, configuration: Configuration, hidden: int) -> tuple[Weight, ...]:
    if configuration.values.get("type_vocab_size") == 0:
        return ()
    kinds = configuration.dimension("type_vocab_size")
    part = Part(source + "token_type_embeddings.weight", (kinds, hidden), rows=((0, 1),))
    return (Weight(SEGMENT, WeightRole.VECTOR, (part,)),)


def _distances(
    names: BertTensorNames, configuration: Configuration, sizes: Dimensions
) -> tuple[Weight, ...]:
    """Return what layers read of how far apart tokens are."""
    if names is DEBERTA:
        return distance_weights(configuration, sizes, names.prefix)
    if not names.distance_bias:
        return ()
    shape = (configuration.dimension("relative_attention_num_buckets", BUCKETS),)
    if shape != (BUCKETS,):
        raise BadInputError("family.encoder_field", field="relative_attention_num_buckets")
    table = Part(names.prefix + names.distance_bias + ".weight", (*shape, sizes.attention_heads))
    return (Weight(DISTANCE_BIAS, WeightRole.VECTOR, (table,)),)


def layer_weights(
    names: BertTensorNames,
    configuration: Configuration,
    layer: int,
    sizes: Dimensions,
    inner_size: int,
) -> tuple[Weight, ...]:
    """Return the weights of one layer."""
    own, source = f"layer.{layer}.", f"{names.prefix}{names.layers}.{layer}."
    hidden, bias = sizes.hidden_size, names.biases
    gate = matrix(source + names.gate, inner_size, hidden)
    return (
        *_queries(names, own, source, hidden),
        *(own_projections(configuration, own, source, hidden) if names is DEBERTA else ()),
        *linear(own + "output", matrix(source + names.output, hidden, hidden), bias=bias),
        *affine(own + "attention_norm", source + names.attention_norm, hidden),
        *linear(own + "up", matrix(source + names.up, inner_size, hidden), bias=bias),
        *(linear(own + "gate", gate, bias=bias) if names.gate else ()),
        *linear(own + "down", matrix(source + names.down, hidden, inner_size), bias=bias),
        *affine(own + "inner_norm", source + names.inner_norm, hidden),
    )


def _queries(names: BertTensorNames, own: str, source: str, hidden: int) -> tuple[Weight, ...]:
    stored = {"query": names.query, "key": names.key, "value": names.value}
    if not names.key:
        packed = matrix(source + names.query, 3 * hidden, hidden)
        return linear(own + "query_key_value", packed, bias=names.biases)
    parts = {part: matrix(source + each, hidden, hidden) for part, each in stored.items()}
    if names.packed:
        return linear(own + "query_key_value", *parts.values(), bias=names.biases)
    return tuple(
        weight
        for part, each in parts.items()
        for weight in linear(own + part, each, bias=names.biases)
    )
