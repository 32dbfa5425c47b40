"""Grouped-query attention over a cache that it extends in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from onnx import TensorProto

from app.models.graphs.graph import LENGTHS, MICROSOFT, TOTAL_LENGTH, ShardGraph
from app.models.graphs.operators import rms_norm
from app.models.graphs.positions import positions
from workers.protocol.span_shape import RowForm

ROTARY_COLUMNS_STEP = 8
"""onnxruntime's attention turns heads itself where the tables' columns are a multiple of this."""
_BY_CHANNEL: Final[Mapping[str, str | int]] = {
    "k_quant_type": "PER_CHANNEL",
    "v_quant_type": "PER_CHANNEL",
    "kv_cache_bit_width": 8,
}


@dataclass(frozen=True)
class AttentionShape:
    """Causal attention of `heads` queries over `kv_heads` keys and values of `head_size`.

    The first `turned_size` elements of each head turn with the position: neighbours together where
    `interleaved`, else those half the turned size apart. Scores are multiplied by `scale` and,
    where `softcap` is above 0, bent to stay below it (Gemma 2, section 2.1).
    """

    heads: int
    kv_heads: int
    head_size: int
    scale: float
    turned_size: int = 0
    softcap: float = 0.0
    interleaved: bool = False


def split_heads(graph: ShardGraph, packed: str, shape: AttentionShape) -> tuple[str, str, str]:
    """Return queries, keys and values of a packed [batch, tokens, queries + keys + values]."""
    sizes = [shape.heads, shape.kv_heads, shape.kv_heads]
    widths = np.array(sizes, np.int64) * shape.head_size
    names = [f"{part}.{packed}" for part in ("query", "key", "value")]
    graph.operator("Split", [packed, graph.constant("packed.widths", widths)], names, axis=-1)
    return names[0], names[1], names[2]


def head_norm(
    graph: ShardGraph, value: str, name: str, epsilon: float, shape: AttentionShape
) -> str:
    """Norm each head's vector of [batch, tokens, heads * head_size] by itself."""
    apart = graph.constant("heads.apart", np.array([0, 0, -1, shape.head_size], np.int64))
    joined = graph.constant("heads.joined", np.array([0, 0, -1], np.int64))
    heads = rms_norm(graph, graph.operator("Reshape", [value, apart]), name, epsilon)
    return graph.operator("Reshape", [heads, joined])


def attend(
    graph: ShardGraph,
    queries: Sequence[str],
    layer: int,
    shape: AttentionShape,
    *,
    rotary: Sequence[str] = (),
    bias: str = "",
    sinks: str = "",
    window_tokens: int = 0,
) -> str:
    """Add grouped-query attention over the layer's cache, which it extends in place.

    `queries` is one packed value or queries, keys and values; `rotary` the cosines and sines, each
    [context, turned_size / 2]; `bias` is added to the scores; `sinks` has a score for each head
    that takes its share of the softmax and adds nothing (Xiao et al. 2024); a window above 0 is
    the number of tokens seen, the present one included. The cache's values are named
    `past.{layer}.key`, `.value` and `present.{layer}.key`, `.value`.
    """
    if rotary and shape.turned_size // 2 % ROTARY_COLUMNS_STEP:
        queries, rotary = turned(graph, queries, shape, rotary), ()
    past = [f"past.{layer}.{part}" for part in ("key", "value")]
    present = [f"present.{layer}.{part}" for part in ("key", "value")]
    read = [*[*queries, "", ""][:3], *[*rotary, "", ""][:2], bias, sinks]
    *queries, cosines, sines, bias, sinks = (cache_form(graph, each) for each in read)
    inputs = [*queries, *past, LENGTHS, TOTAL_LENGTH, cosines, sines, "", bias, sinks]
    inputs += cache_scales(graph, layer)
    while not inputs[-1]:
        inputs.pop()
    attended = graph.operator(
        "GroupQueryAttention",
        inputs,
        [f"attention.{layer}", *present],
        domain=MICROSOFT,
        do_rotary=int(bool(cosines)),
        rotary_interleaved=int(shape.interleaved),
        num_heads=shape.heads,
        kv_num_heads=shape.kv_heads,
        scale=shape.scale,
        **({"local_window_size": window_tokens} if window_tokens else {}),
        **({"softcap": shape.softcap} if shape.softcap else {}),
        **(_BY_CHANNEL if graph.cache_rows is RowForm.INT8 else {}),
    )
    if graph.cache_rows is not RowForm.F16:
        return attended
    return graph.operator("Cast", [attended], to=TensorProto.FLOAT)


def cache_form(graph: ShardGraph, value: str) -> str:
    """Return what attention reads beside its cache in the type that the cache asks for.

    onnxruntime computes over float16 rows in float16, and over whole numbers in float32.
    """
    if not value or graph.cache_rows is not RowForm.F16:
        return value
    cast = f"half.{value}"
    return graph.once(cast, lambda: graph.operator("Cast", [value], [cast], to=TensorProto.FLOAT16))


def cache_scales(graph: ShardGraph, layer: int) -> tuple[str, ...]:
    """Return the steps of a layer's keys and values where they are kept as whole numbers."""
    if graph.cache_rows is not RowForm.INT8:
        return ()
    return tuple(graph.weight(name) for name in scale_names(layer))


def scale_names(layer: int) -> tuple[str, str]:
    """Return the names of the steps of a layer's keys and values, one for each channel."""
    return (f"layer.{layer}.key_steps", f"layer.{layer}.value_steps")


def turned(
    graph: ShardGraph, queries: Sequence[str], shape: AttentionShape, rotary: Sequence[str]
) -> tuple[str, str, str]:
    """Return queries, keys and values, the first two turned by an operator of its own."""
    query, key, value = queries if len(queries) > 1 else split_heads(graph, queries[0], shape)
    places = positions(graph, query)
    whole = shape.turned_size == shape.head_size
    query, key = (
        graph.operator(
            "RotaryEmbedding",
            [each, places, *rotary],
            domain=MICROSOFT,
            num_heads=heads,
            interleaved=int(shape.interleaved),
            rotary_embedding_dim=0 if whole else shape.turned_size,
        )
        for each, heads in ((query, shape.heads), (key, shape.kv_heads))
    )
    return query, key, value
