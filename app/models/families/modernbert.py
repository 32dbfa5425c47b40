"""ModernBERT: an encoder with rotary positions, gates and windows (Warner et al. 2024).

Every third layer sees all; the others see half a window on either side and turn at another rate.
"""

from __future__ import annotations

from dataclasses import replace

from app.core.errors import BadInputError
from app.core.model import ModelTask
from app.models.configuration import Configuration
from app.models.families.dimensions import (
    MAXIMUM_CONTEXT_TOKENS,
    MAXIMUM_HEADS,
    MAXIMUM_LAYERS,
    sliding_layers,
)
from app.models.families.gated import GatedDecoder, GatedStyle
from app.models.families.interface import (
    Dimensions,
    Family,
    HeadOutput,
    Part,
    Weight,
)
from app.models.families.labels import classification
from app.models.families.pooling import (
    POOLER,
    POOLER_NORM,
    EncoderHead,
    PooledScores,
    PoolingMode,
)
from app.models.families.rotaries import layer_rotaries
from app.models.families.sentence import sentence_vector
from app.models.families.weights import (
    EMBEDDING_NORM,
    HEAD,
    HEAD_NORM,
    LOCAL_TABLES,
    ROTARY_TABLES,
    DecoderWeights,
    affine,
    linear,
    matrix,
    vector,
)
from app.models.graphs.attention import AttentionShape
from app.models.graphs.operators import require_activation
from app.models.sentence_settings import SECTION

BASE, LOCAL_BASE = 160_000.0, 10_000.0
WINDOW_TOKENS = 128
DEFAULT_PATTERN = 3
EPSILON = 1e-5


def modernbert(configuration: Configuration) -> Family:
    """Return a ModernBERT that answers with a vector."""
    vector_head = sentence_vector(configuration, _sizes(configuration).hidden_size)
    return _encoder(configuration, vector_head, HeadOutput(ModelTask.EMBEDDING))


def modernbert_classifier(configuration: Configuration) -> Family:
    """Return a ModernBERT that scores a text. Raises `BadInputError` for another pooling."""
    answer, hidden = classification(configuration), _sizes(configuration).hidden_size
    pooling = configuration.text("classifier_pooling", PoolingMode.FIRST.value)
    if pooling not in (PoolingMode.FIRST, PoolingMode.MEAN):
        raise BadInputError("family.encoder_field", field="classifier_pooling")
    head = PooledScores(
        PoolingMode(pooling),
        linear(
            POOLER,
            matrix("head.dense", hidden, hidden),
            bias=configuration.flag("classifier_bias", default=False),
        ),
        require_activation(configuration.text("classifier_activation", "gelu")),
        configuration.number("norm_eps", EPSILON),
        _norm(configuration, POOLER_NORM, "head.norm", hidden),
        linear(HEAD, matrix("classifier", len(answer.labels), hidden), bias=True),
    )
    return _encoder(configuration, head, answer)


def _encoder(configuration: Configuration, head: EncoderHead, answer: HeadOutput) -> Family:
    sizes = _sizes(configuration)
    table = Part(
        "model.embeddings.tok_embeddings.weight", (sizes.vocabulary_size, sizes.hidden_size)
    )
    weights = DecoderWeights(
        table,
        lambda layer: _layer(configuration, layer, sizes),
        _norm(configuration, HEAD_NORM, "model.final_norm", sizes.hidden_size),
        None,
        beside_table=_norm(
            configuration, EMBEDDING_NORM, "model.embeddings.norm", sizes.hidden_size
        ),
        shared=(*ROTARY_TABLES, *LOCAL_TABLES),
    )
    body = GatedDecoder("modernbert", sizes, _style(configuration, sizes), weights)
    return body.pooling(head, answer)


def _sizes(configuration: Configuration) -> Dimensions:
    """Return the sizes; no layer keeps keys and values."""
    dimension = configuration.dimension
    hidden_size = dimension("hidden_size")
    heads = dimension("num_attention_heads", maximum=MAXIMUM_HEADS)
    if hidden_size % heads:
        raise BadInputError("family.heads_share_columns", heads=heads, columns=hidden_size)
    context = min(dimension("max_position_embeddings"), MAXIMUM_CONTEXT_TOKENS)
    settings = configuration.section(SECTION) or Configuration({})
    return Dimensions(
        hidden_size=hidden_size,
        vocabulary_size=dimension("vocab_size"),
        layer_count=dimension("num_hidden_layers", maximum=MAXIMUM_LAYERS),
        attention_heads=heads,
        kv_heads=0,
        head_size=hidden_size // heads,
        context_tokens=min(context, settings.dimension("max_tokens", context)),
    )


def _style(configuration: Configuration, sizes: Dimensions) -> GatedStyle:
    whole, local = layer_rotaries(
        configuration,
        configuration.number("global_rope_theta", BASE),
        configuration.number("local_rope_theta", LOCAL_BASE),
    )
    pattern = configuration.dimension("global_attn_every_n_layers", DEFAULT_PATTERN)
    local_layers = sliding_layers(configuration, sizes, slides=lambda layer: layer % pattern != 0)
    seen = configuration.dimension("local_attention", WINDOW_TOKENS) // 2 + 1
    heads, size = sizes.attention_heads, sizes.head_size
    activation = configuration.text("hidden_activation", "gelu")
    return GatedStyle(
        activation=require_activation(activation),
        epsilon=configuration.number("norm_eps", EPSILON),
        rotary=whole,
        local_rotary=local,
        local_layers=local_layers,
        attention=AttentionShape(heads, heads, size, float(size) ** -0.5, size),
        windows=tuple(seen * (layer in local_layers) for layer in range(sizes.layer_count)),
        layer_norms=True,
        both_ways=True,
    )


def _layer(configuration: Configuration, layer: int, sizes: Dimensions) -> tuple[Weight, ...]:
    own, source, hidden = f"layer.{layer}.", f"model.layers.{layer}.", sizes.hidden_size
    inner = configuration.dimension("intermediate_size")
    biased = configuration.flag("attention_bias", default=False)
    inner_biased = configuration.flag("mlp_bias", default=False)
    halves = {"gate": (0, inner), "up": (inner, 2 * inner)}
    first = Part(source + "mlp.Wi.weight", (2 * inner, hidden))
    packed = matrix(source + "attn.Wqkv", 3 * hidden, hidden)
    output = matrix(source + "attn.Wo", hidden, hidden)
    down = matrix(source + "mlp.Wo", hidden, inner)
    before = _norm(configuration, own + "attention_norm", source + "attn_norm", hidden)
    return (
        *(before if layer else ()),
        *linear(own + "query_key_value", packed, bias=biased),
        *linear(own + "output", output, bias=biased),
        *_norm(configuration, own + "inner_norm", source + "mlp_norm", hidden),
        *(
            weight
            for name, rows in halves.items()
            for weight in linear(own + name, replace(first, rows=(rows,)), bias=inner_biased)
        ),
        *linear(own + "down", down, bias=inner_biased),
    )


def _norm(configuration: Configuration, name: str, source: str, size: int) -> tuple[Weight, ...]:
    if configuration.flag("norm_bias", default=False):
        return affine(name, source, size)
    return (vector(name, source + ".weight", size),)
