"""BERT, RoBERTa, DistilBERT, MPNet, Nomic, DeBERTa: where their weights lie, under their names.

Devlin et al. 2019; Liu et al. 2019 (positions start behind two unused rows); Sanh et al. 2019 (no
segments); the others as `encoder` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.core.errors import BadInputError
from app.core.model import ModelTask
from app.models.configuration import Configuration
from app.models.families.bert_names import DEBERTA, BertTensorNames
from app.models.families.bert_weights import (
    BUCKETS,
    FARTHEST,
    embedding_weights,
    layer_weights,
    unused_positions,
)
from app.models.families.deberta import (
    disentangled,
    shared_norm,
)
from app.models.families.dimensions import MAXIMUM_HEADS, MAXIMUM_LAYERS
from app.models.families.encoder import DISTANCE_BIAS, Encoder, EncoderStyle
from app.models.families.interface import (
    Dimensions,
    Family,
    HeadOutput,
    SharedWeight,
    WeightRole,
)
from app.models.families.labels import classification
from app.models.families.pooling import POOLER, EncoderHead, FirstTokenScores
from app.models.families.sentence import sentence_vector
from app.models.families.weights import HEAD, linear, matrix
from app.models.graphs.disentangled import DISTANCE_ROWS
from app.models.graphs.distances import DistanceBuckets
from app.models.graphs.operators import require_activation
from app.models.graphs.rotary import Rotary
from app.models.sentence_settings import SECTION

DEFAULT_EPSILON = 1e-12
DEFAULT_BASE = 1000.0
"""Of Nomic's rotation."""


def sentence_encoder(names: BertTensorNames) -> Callable[[Configuration], Family]:
    """Return how to make an encoder that answers with a vector."""

    def make(configuration: Configuration) -> Family:
        vector = sentence_vector(configuration, _sizes(names, configuration).hidden_size)
        return _encoder(names, configuration, vector, HeadOutput(ModelTask.EMBEDDING))

    return make


def encoder_classifier(names: BertTensorNames) -> Callable[[Configuration], Family]:
    """Return how to make an encoder that answers with scores."""

    def make(configuration: Configuration) -> Family:
        answer = classification(configuration)
        hidden = _sizes(names, configuration).hidden_size
        activation = names.pooler_activation or configuration.text("pooler_hidden_act", "gelu")
        head = FirstTokenScores(
            linear(POOLER, matrix(names.pooler, hidden, hidden), bias=True),
            activation if activation == "tanh" else require_activation(activation),
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
    inner_size = configuration.dimension(first_of("hidden_dim", "n_inner", "intermediate_size"))
    return Encoder(
        name=names.family,
        dimensions=sizes,
        style=_style(names, configuration, sizes),
        embedding=embedding_weights(names, configuration, sizes),
        layer=lambda layer: layer_weights(names, configuration, layer, sizes, inner_size),
        head=head,
        answer=answer,
        shared=_shared(names, configuration),
    )


def _style(names: BertTensorNames, configuration: Configuration, sizes: Dimensions) -> EncoderStyle:
    first_of = configuration.first_of
    activation = configuration.text(
        first_of("activation", "activation_function", "hidden_act"),
        "silu" if names.gate else "gelu",
    )
    activation = "silu" if activation == "swiglu" else activation
    epsilon = configuration.number(
        first_of("layer_norm_epsilon", "layer_norm_eps"), DEFAULT_EPSILON
    )
    style = EncoderStyle(require_activation(activation), epsilon)
    if not names.positions:
        base = configuration.number("rotary_emb_base", DEFAULT_BASE)
        style = replace(style, rotary=Rotary.from_configuration(configuration, base=base))
    if names.distance_bias:
        style = replace(style, buckets=DistanceBuckets(BUCKETS, FARTHEST, both_ways=True))
    if names is DEBERTA:
        style = replace(style, disentangled=disentangled(configuration, sizes, epsilon))
    return style


def _shared(names: BertTensorNames, configuration: Configuration) -> tuple[SharedWeight, ...]:
    if names.distance_bias:
        return (SharedWeight(DISTANCE_BIAS, WeightRole.VECTOR),)
    if names is not DEBERTA:
        return ()
    rows = SharedWeight(DISTANCE_ROWS, WeightRole.TABLE)
    return (rows, *shared_norm(configuration))


def _refuse_unusual(configuration: Configuration) -> None:
    if configuration.flag("is_decoder", default=False):
        raise BadInputError("family.bert_writes_texts")
    kind = configuration.text("position_embedding_type", "absolute")
    if kind != "absolute":
        raise BadInputError("family.bert_positions", kind=kind)
    for field in ("prenorm", "rotary_emb_interleaved", "parallel_block", "moe_every_n_layers"):
        if configuration.values.get(field):
            raise BadInputError("family.encoder_field", field=field)


def _sizes(names: BertTensorNames, configuration: Configuration) -> Dimensions:
    """Return the sizes; no layer keeps keys and values."""
    first_of, dimension = configuration.first_of, configuration.dimension
    hidden_size = dimension(first_of("dim", "n_embd", "hidden_size"))
    heads = dimension(first_of("n_heads", "n_head", "num_attention_heads"), maximum=MAXIMUM_HEADS)
    if hidden_size % heads:
        raise BadInputError("family.heads_share_columns", heads=heads, columns=hidden_size)
    stored = dimension(first_of("n_positions", "max_position_embeddings"))
    context = stored - unused_positions(names, configuration)
    if context < 1:
        raise BadInputError("family.too_few_positions", stored=stored)
    settings = configuration.section(SECTION) or Configuration({})
    layers = first_of("n_layers", "n_layer", "num_hidden_layers")
    return Dimensions(
        hidden_size=hidden_size,
        vocabulary_size=dimension("vocab_size"),
        layer_count=dimension(layers, maximum=MAXIMUM_LAYERS),
        attention_heads=heads,
        kv_heads=0,
        head_size=hidden_size // heads,
        context_tokens=min(context, settings.dimension("max_tokens", context)),
    )
