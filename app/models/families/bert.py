"""BERT, RoBERTa and DistilBERT: where their weights lie, under each one's own names.

Devlin et al. 2019; Liu et al. 2019 (positions start behind two unused rows); Sanh et al. 2019 (no
segments).
"""

from __future__ import annotations

from collections.abc import Callable

from app.core.errors import BadInputError
from app.core.model import ModelTask
from app.models.configuration import Configuration
from app.models.families.bert_names import BertTensorNames
from app.models.families.dimensions import MAXIMUM_HEADS, MAXIMUM_LAYERS
from app.models.families.encoder import SEGMENT, Encoder, EncoderStyle
from app.models.families.interface import Dimensions, Family, HeadOutput, Part, Weight, WeightRole
from app.models.families.labels import classification
from app.models.families.plain import EMBEDDING_NORM, POSITIONS
from app.models.families.pooling import (
    POOLER,
    EncoderHead,
    FirstTokenScores,
    PoolingMode,
    SentenceVector,
)
from app.models.families.weights import EMBEDDING, HEAD, affine, linear, matrix
from app.models.graphs.operators import require_activation
from app.models.sentence_settings import SECTION

DEFAULT_EPSILON = 1e-12
DEFAULT_PAD_TOKEN = 1


def sentence_encoder(names: BertTensorNames) -> Callable[[Configuration], Family]:
    """Return how to make an encoder that answers with a vector."""

    def make(configuration: Configuration) -> Family:
        return _encoder(
            names, configuration, _vector(configuration), HeadOutput(ModelTask.EMBEDDING)
        )

    return make


def encoder_classifier(names: BertTensorNames) -> Callable[[Configuration], Family]:
    """Return how to make an encoder that answers with scores."""

    def make(configuration: Configuration) -> Family:
        answer = classification(configuration)
        hidden = _sizes(names, configuration).hidden_size
        head = FirstTokenScores(
            linear(POOLER, matrix(names.pooler, hidden, hidden), bias=True),
            names.pooler_activation,
            linear(HEAD, matrix(names.scores, len(answer.labels), hidden), bias=True),
        )
        return _encoder(names, configuration, head, answer)

    return make


def _encoder(
    names: BertTensorNames, configuration: Configuration, head: EncoderHead, answer: HeadOutput
) -> Family:
    _refuse_unusual(configuration)
    sizes = _sizes(names, configuration)
    first_of = configuration.first_of
    activation = configuration.text(first_of("activation", "hidden_act"), "gelu")
    inner_size = configuration.dimension(first_of("hidden_dim", "intermediate_size"))
    epsilon = configuration.number("layer_norm_eps", DEFAULT_EPSILON)
    return Encoder(
        name=names.family,
        dimensions=sizes,
        style=EncoderStyle(require_activation(activation), epsilon, names.segments),
        embedding=_embedding(names, configuration, sizes),
        layer=lambda layer: _layer(names, layer, sizes, inner_size),
        head=head,
        answer=answer,
    )


def _refuse_unusual(configuration: Configuration) -> None:
    if configuration.flag("is_decoder", default=False):
        raise BadInputError("family.bert_writes_texts")
    kind = configuration.text("position_embedding_type", "absolute")
    if kind != "absolute":
        raise BadInputError("family.bert_positions", kind=kind)


def _sizes(names: BertTensorNames, configuration: Configuration) -> Dimensions:
    """Return the sizes; no layer keeps keys and values."""
    first_of, dimension = configuration.first_of, configuration.dimension
    hidden_size = dimension(first_of("dim", "hidden_size"))
    heads = dimension(first_of("n_heads", "num_attention_heads"), maximum=MAXIMUM_HEADS)
    if hidden_size % heads:
        raise BadInputError("family.heads_share_columns", heads=heads, columns=hidden_size)
    stored = dimension("max_position_embeddings")
    context = stored - _unused_positions(names, configuration)
    if context < 1:
        raise BadInputError("family.too_few_positions", stored=stored)
    settings = configuration.section(SECTION) or Configuration({})
    return Dimensions(
        hidden_size=hidden_size,
        vocabulary_size=dimension("vocab_size"),
        layer_count=dimension(first_of("n_layers", "num_hidden_layers"), maximum=MAXIMUM_LAYERS),
        attention_heads=heads,
        kv_heads=0,
        head_size=hidden_size // heads,
        context_tokens=min(context, settings.dimension("max_tokens", context)),
    )


def _unused_positions(names: BertTensorNames, configuration: Configuration) -> int:
    if not names.positions_after_pad:
        return 0
    return (configuration.tokens("pad_token_id") or (DEFAULT_PAD_TOKEN,))[0] + 1


def _vector(configuration: Configuration) -> SentenceVector:
    """Return how sentences are pooled; where nothing is said, as a mean of length 1."""
    settings = configuration.section(SECTION) or Configuration({})
    mode = PoolingMode(settings.text("pooling", PoolingMode.MEAN.value))
    return SentenceVector(mode, normed=settings.flag("normed", default=True))


def _embedding(
    names: BertTensorNames, configuration: Configuration, sizes: Dimensions
) -> tuple[Weight, ...]:
    source, hidden = names.prefix + "embeddings.", sizes.hidden_size
    stored = configuration.dimension("max_position_embeddings")
    unused = _unused_positions(names, configuration)
    used = (unused, unused + sizes.context_tokens)
    table = matrix(source + "word_embeddings", sizes.vocabulary_size, hidden)
    places = Part(source + "position_embeddings.weight", (stored, hidden), rows=(used,))
    return (
        Weight(EMBEDDING, WeightRole.EMBEDDING, (table,)),
        Weight(POSITIONS, WeightRole.TABLE, (places,)),
        *(_segment(source, configuration, hidden) if names.segments else ()),
        *affine(EMBEDDING_NORM, source + "LayerNorm", hidden),
    )


def _segment(source: str, configuration: Configuration, hidden: int) -> tuple[Weight, ...]:
    kinds = configuration.dimension("type_vocab_size")
    part = Part(source + "token_type_embeddings.weight", (kinds, hidden), rows=((0, 1),))
    return (Weight(SEGMENT, WeightRole.VECTOR, (part,)),)


def _layer(
    names: BertTensorNames, layer: int, sizes: Dimensions, inner_size: int
) -> tuple[Weight, ...]:
    own, source = f"layer.{layer}.", f"{names.prefix}{names.layers}.{layer}."
    hidden = sizes.hidden_size
    packed = [
        matrix(source + each, hidden, hidden) for each in (names.query, names.key, names.value)
    ]
    return (
        *linear(own + "query_key_value", *packed, bias=True),
        *linear(own + "output", matrix(source + names.output, hidden, hidden), bias=True),
        *affine(own + "attention_norm", source + names.attention_norm, hidden),
        *linear(own + "up", matrix(source + names.up, inner_size, hidden), bias=True),
        *linear(own + "down", matrix(source + names.down, hidden, inner_size), bias=True),
        *affine(own + "inner_norm", source + names.inner_norm, hidden),
    )
