"""T5, FLAN-T5 and mT5: biases by distance, norms before each part (Raffel et al. 2020)."""

from __future__ import annotations

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.families.dimensions import MAXIMUM_HEADS, MAXIMUM_LAYERS
from app.models.families.interface import Dimensions, Part, Weight, WeightRole
from app.models.families.paired import (
    DECODER,
    DECODER_NORM,
    ENCODER,
    ENCODER_NORM,
    PairedModel,
    PairedStyle,
)
from app.models.families.weights import EMBEDDING, HEAD, linear, matrix, vector
from app.models.graphs.attention import AttentionShape
from app.models.graphs.distances import DistanceBuckets
from app.models.graphs.operators import require_activation

CONTEXT_TOKENS = 2048
"""Of text and answer together; distances know no end."""


def t5(configuration: Configuration) -> PairedModel:
    """Return a T5 model. Raises `BadInputError` for what it does not compute."""
    sizes, encoder_layers = _sizes(configuration)
    heads, scale = sizes.attention_heads, float(sizes.hidden_size) ** -0.5
    tied = configuration.flag("tie_word_embeddings", default=True)
    scaled = tied and configuration.flag("scale_decoder_outputs", default=True)
    activation, gated = _inner(configuration)
    count = configuration.dimension("relative_attention_num_buckets", 32)
    farthest = configuration.dimension("relative_attention_max_distance", 128)
    buckets = [DistanceBuckets(count, farthest, both_ways=way) for way in (True, False)]
    table = Part("shared.weight", (sizes.vocabulary_size, sizes.hidden_size))
    head = matrix("lm_head", sizes.vocabulary_size, sizes.hidden_size)
    return PairedModel(
        name="t5",
        dimensions=sizes,
        encoder_layers=encoder_layers,
        style=PairedStyle(
            activation=activation,
            epsilon=configuration.number("layer_norm_epsilon", 1e-6),
            attention=AttentionShape(heads, heads, sizes.head_size, 1.0),
            norms_behind=False,
            rms_norms=True,
            logit_scale=scale if scaled else 1.0,
            buckets=(buckets[0], buckets[1]),
        ),
        layer=lambda layer: _layer(configuration, layer, sizes, encoder_layers, gated=gated),
        embedding=(
            Weight(EMBEDDING, WeightRole.EMBEDDING, (table,)),
            _bias("encoder", ENCODER.bias, count, heads),
        ),
        encoder_end=(vector(ENCODER_NORM, "encoder.final_layer_norm.weight", sizes.hidden_size),),
        decoder_begin=(_bias("decoder", DECODER.bias, count, heads),),
        head=(
            vector(DECODER_NORM, "decoder.final_layer_norm.weight", sizes.hidden_size),
            *(() if tied else linear(HEAD, head, bias=False)),
        ),
        computed={},
    )


def _sizes(configuration: Configuration) -> tuple[Dimensions, int]:
    dimension = configuration.dimension
    encoder = dimension("num_layers", maximum=MAXIMUM_LAYERS)
    decoder = dimension("num_decoder_layers", encoder, MAXIMUM_LAYERS)
    heads = dimension("num_heads", maximum=MAXIMUM_HEADS)
    head_size = dimension("d_kv")
    if head_size % 8:
        raise BadInputError("family.head_size", size=head_size, step=8)
    return Dimensions(
        hidden_size=dimension("d_model"),
        vocabulary_size=dimension("vocab_size"),
        layer_count=encoder + decoder,
        attention_heads=heads,
        kv_heads=heads,
        head_size=head_size,
        context_tokens=CONTEXT_TOKENS,
    ), encoder


def _inner(configuration: Configuration) -> tuple[str, bool]:
    """Return the activation of the feed-forward, and whether that is gated."""
    named = configuration.text("feed_forward_proj", "relu")
    kind, _, activation = named.rpartition("-")
    if kind not in ("", "gated"):
        raise BadInputError("family.activation", activation=named, known=("relu", "gated-gelu"))
    if named == "gated-gelu":
        activation = "gelu_new"
    return require_activation(activation), kind == "gated"


def _bias(side: str, name: str, count: int, heads: int) -> Weight:
    source = f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    return Weight(name, WeightRole.VECTOR, (Part(source, (count, heads)),))


def _layer(
    configuration: Configuration,
    layer: int,
    sizes: Dimensions,
    encoder_layers: int,
    *,
    gated: bool,
) -> tuple[Weight, ...]:
    reads = layer >= encoder_layers
    side, number = ("decoder", layer - encoder_layers) if reads else ("encoder", layer)
    own, source = f"layer.{layer}.", f"{side}.block.{number}.layer."
    hidden, width = sizes.hidden_size, sizes.attention_heads * sizes.head_size
    attention = source + "0.SelfAttention."
    packed = [matrix(attention + part, width, hidden) for part in ("q", "k", "v")]
    inner, inner_size = f"{source}{1 + reads}.", configuration.dimension("d_ff")
    feed = inner + "DenseReluDense."
    first = "wi_0" if gated else "wi"
    beside = linear(own + "beside", matrix(feed + "wi_1", inner_size, hidden), bias=False)
    return (
        vector(own + "attention_norm", source + "0.layer_norm.weight", hidden),
        *linear(own + "query_key_value", *packed, bias=False),
        *linear(own + "output", matrix(attention + "o", hidden, width), bias=False),
        *(_source_weights(own, source, hidden, width) if reads else ()),
        vector(own + "inner_norm", inner + "layer_norm.weight", hidden),
        *linear(own + "up", matrix(feed + first, inner_size, hidden), bias=False),
        *(beside if gated else ()),
        *linear(own + "down", matrix(feed + "wo", hidden, inner_size), bias=False),
    )


def _source_weights(own: str, source: str, hidden: int, width: int) -> tuple[Weight, ...]:
    """Return what a layer reads the encoder's result with."""
    attention = source + "1.EncDecAttention."
    named = {"source_query": "q", "source_key": "k", "source_value": "v"}
    return (
        vector(own + "source_norm", source + "1.layer_norm.weight", hidden),
        *(
            weight
            for name, part in named.items()
            for weight in linear(own + name, matrix(attention + part, width, hidden), bias=False)
        ),
        *linear(own + "source_output", matrix(attention + "o", hidden, width), bias=False),
    )
