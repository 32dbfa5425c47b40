"""BART and what is built like it: mBART, Marian, Pegasus, M2M100 and NLLB.

Lewis et al. 2020 (BART); Junczys-Dowmunt et al. 2018 (Marian); Zhang et al. 2020 (Pegasus); Fan et
al. 2021 (M2M100). They differ in positions, in where norms stand, and in what follows the head.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    Side,
)
from app.models.families.weights import EMBEDDING, affine, linear, matrix
from app.models.graphs.attention import AttentionShape
from app.models.graphs.operators import require_activation
from app.models.graphs.positions import UNUSED_POSITIONS, later_waves, sorted_waves
from app.models.tensors import BIAS_SUFFIX

EPSILON = 1e-5


@dataclass(frozen=True)
class BartKind:
    """In what a family differs; without `waves` positions are learned."""

    name: str
    norms_behind: bool
    embedding_norm: bool = False
    waves: Callable[[int, int], NDArray[np.float32]] | None = None
    """Returns the positions' rows, `[positions, hidden]`."""
    logit_bias: bool = False


BART = BartKind("bart", norms_behind=True, embedding_norm=True)
MBART = BartKind("mbart", norms_behind=False, embedding_norm=True)
MARIAN = BartKind("marian", norms_behind=True, waves=sorted_waves, logit_bias=True)
PEGASUS = BartKind("pegasus", norms_behind=False, waves=sorted_waves)
M2M100 = BartKind("m2m100", norms_behind=False, waves=later_waves)


def like_bart(kind: BartKind) -> Callable[[Configuration], PairedModel]:
    """Return how to make a model of that kind."""

    def make(configuration: Configuration) -> PairedModel:
        return _model(kind, configuration)

    return make


def _model(kind: BartKind, configuration: Configuration) -> PairedModel:
    _refuse_unusual(configuration)
    sizes, encoder_layers = _sizes(configuration)
    heads, hidden = sizes.attention_heads, sizes.hidden_size
    scales = configuration.flag("scale_embedding", default=False)
    table = Part("model.shared.weight", (sizes.vocabulary_size, hidden))
    return PairedModel(
        name=kind.name,
        dimensions=sizes,
        encoder_layers=encoder_layers,
        style=PairedStyle(
            activation=require_activation(configuration.text("activation_function", "gelu")),
            epsilon=EPSILON,
            attention=AttentionShape(heads, heads, sizes.head_size, sizes.head_size**-0.5),
            norms_behind=kind.norms_behind,
            embedding_scale=math.sqrt(hidden) if scales else 1.0,
        ),
        layer=lambda layer: _layer(configuration, layer, sizes, encoder_layers),
        embedding=(
            Weight(EMBEDDING, WeightRole.EMBEDDING, (table,)),
            *_beside(kind, configuration, ENCODER, sizes),
        ),
        encoder_end=_end(kind, ENCODER_NORM, "encoder", hidden),
        decoder_begin=_beside(kind, configuration, DECODER, sizes),
        head=(*_end(kind, DECODER_NORM, "decoder", hidden), *_logit_bias(kind, sizes)),
        computed=_waves(kind, sizes),
    )


def _refuse_unusual(configuration: Configuration) -> None:
    alike = ("encoder_attention_heads", "decoder_attention_heads")
    if len({configuration.dimension(name) for name in alike}) > 1:
        raise BadInputError("family.encoder_field", field=alike[1])
    for field in ("share_encoder_decoder_embeddings", "tie_word_embeddings"):
        if not configuration.flag(field, default=True):
            raise BadInputError("family.encoder_field", field=field)


def _sizes(configuration: Configuration) -> tuple[Dimensions, int]:
    dimension = configuration.dimension
    hidden_size = dimension("d_model")
    heads = dimension("encoder_attention_heads", maximum=MAXIMUM_HEADS)
    if hidden_size % (8 * heads):
        raise BadInputError("family.heads_share_columns", heads=heads, columns=hidden_size)
    encoder = dimension("encoder_layers", maximum=MAXIMUM_LAYERS)
    return Dimensions(
        hidden_size=hidden_size,
        vocabulary_size=dimension("vocab_size"),
        layer_count=encoder + dimension("decoder_layers", maximum=MAXIMUM_LAYERS),
        attention_heads=heads,
        kv_heads=heads,
        head_size=hidden_size // heads,
        context_tokens=dimension("max_position_embeddings", 1024),
    ), encoder


def _beside(
    kind: BartKind, configuration: Configuration, side: Side, sizes: Dimensions
) -> tuple[Weight, ...]:
    """Return what is read beside a token's row at the beginning of a chain."""
    source, hidden = f"model.{side.name}.", sizes.hidden_size
    norm = affine(side.embedding_norm, source + "layernorm_embedding", hidden)
    stored = configuration.dimension("max_position_embeddings", 1024) + UNUSED_POSITIONS
    used = (UNUSED_POSITIONS, UNUSED_POSITIONS + sizes.context_tokens)
    places = Part(source + "embed_positions.weight", (stored, hidden), rows=(used,))
    learned = (Weight(side.positions, WeightRole.TABLE, (places,)),)
    return (*(() if kind.waves else learned), *(norm if kind.embedding_norm else ()))


def _end(kind: BartKind, name: str, side: str, hidden: int) -> tuple[Weight, ...]:
    return () if kind.norms_behind else affine(name, f"model.{side}.layer_norm", hidden)


def _logit_bias(kind: BartKind, sizes: Dimensions) -> tuple[Weight, ...]:
    if not kind.logit_bias:
        return ()
    bias = Part("final_logits_bias", (1, sizes.vocabulary_size))
    return (Weight(EMBEDDING + BIAS_SUFFIX, WeightRole.VECTOR, (bias,)),)


def _waves(kind: BartKind, sizes: Dimensions) -> Mapping[str, NDArray[np.float32]]:
    if kind.waves is None:
        return {}
    rows = kind.waves(sizes.context_tokens, sizes.hidden_size)
    return {ENCODER.positions: rows, DECODER.positions: rows}


def _layer(
    configuration: Configuration, layer: int, sizes: Dimensions, encoder_layers: int
) -> tuple[Weight, ...]:
    reads = layer >= encoder_layers
    side, number = ("decoder", layer - encoder_layers) if reads else ("encoder", layer)
    own, source, hidden = f"layer.{layer}.", f"model.{side}.layers.{number}.", sizes.hidden_size
    inner_size = configuration.dimension(f"{side}_ffn_dim")
    return (
        *_attention(own, source, hidden),
        *(_source(own, source, hidden) if reads else ()),
        *affine(own + "inner_norm", source + "final_layer_norm", hidden),
        *linear(own + "up", matrix(source + "fc1", inner_size, hidden), bias=True),
        *linear(own + "down", matrix(source + "fc2", hidden, inner_size), bias=True),
    )


def _attention(own: str, source: str, hidden: int) -> tuple[Weight, ...]:
    place = source + "self_attn."
    packed = [matrix(f"{place}{part}_proj", hidden, hidden) for part in "qkv"]
    return (
        *affine(own + "attention_norm", source + "self_attn_layer_norm", hidden),
        *linear(own + "query_key_value", *packed, bias=True),
        *linear(own + "output", matrix(place + "out_proj", hidden, hidden), bias=True),
    )


def _source(own: str, source: str, hidden: int) -> tuple[Weight, ...]:
    """Return what a layer reads the encoder's result with."""
    place = source + "encoder_attn."
    named = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}
    return (
        *affine(own + "source_norm", source + "encoder_attn_layer_norm", hidden),
        *(
            weight
            for name, part in named.items()
            for weight in linear(
                f"{own}source_{name}", matrix(place + part, hidden, hidden), bias=True
            )
        ),
    )
