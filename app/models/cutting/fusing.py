"""Puts onnxruntime's attention over the worker's buffers where attention is written out.

What is put in is compared with what was there, on random numbers, before it counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from app.models.cutting.plain_graph.attention_pattern import WrittenAttention, written_attention
from app.models.cutting.plain_graph.graph_parts import (
    ALL,
    LENGTHS,
    PAST,
    TOKENS,
    PlainGraph,
    past_name,
)
from app.models.cutting.plain_graph.interface import ATTENTION, WINDOW
from app.models.cutting.plain_graph.masks import window_of
from app.models.cutting.plain_graph.part_session import open_part
from app.models.cutting.plain_graph.simplification import simplify
from app.models.graphs.graph import MICROSOFT

TOLERANCE = 1e-5
"""Largest difference, relative to the largest number."""
_STEPS = ((5, 0), (1, 7), (3, 4))
"""Tokens and cached tokens that are tried."""
_ONE, _ALL_HEADS, _FLAT = "cut.fused.one", "cut.fused.heads", "cut.fused.flat"
_LAST, _TOTAL, _BIAS_SHAPE = "cut.fused.last", "cut.fused.total", "cut.fused.bias.shape"
_Arrays = Mapping[str, NDArray[np.generic]]


def with_fused_attention(
    graph: PlainGraph, side_values: frozenset[str], layer_count: int
) -> onnx.ModelProto | None:
    """Return the graph with every layer's attention fused, or None where one's cannot be.

    The graph that was given stays as it is.
    """
    found = [written_attention(graph, side_values, layer) for layer in range(layer_count)]
    attentions = [each for each in found if each is not None]
    if len(attentions) != layer_count:
        return None
    plainer = [_with_window(graph, each) for each in attentions]
    return _fused(graph, plainer) or _fused(graph, attentions)


def _fused(graph: PlainGraph, attentions: list[WrittenAttention]) -> onnx.ModelProto | None:
    fused = PlainGraph(simplify(_replaced(graph, attentions)))
    same = all(
        _ends_at_the_caches(fused, layer) and _computes_the_same(graph, fused, layer, attention)
        for layer, attention in enumerate(attentions)
    )
    return fused.model if same else None


def _with_window(graph: PlainGraph, attention: WrittenAttention) -> WrittenAttention:
    """Return the attention without a mask that hides no more than the operator does by itself."""
    window = window_of(graph, attention.biases)
    return attention if window is None else replace(attention, biases=(), window_tokens=window)


def _ends_at_the_caches(graph: PlainGraph, layer: int) -> bool:
    """Return whether no node reads the extended caches: they are whole buffers from now on."""
    return not any(graph.readers.get(f"present.{layer}.{part}") for part in ("key", "value"))


def _replaced(graph: PlainGraph, attentions: list[WrittenAttention]) -> onnx.ModelProto:
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    ends = {attention.mixed: layer for layer, attention in enumerate(attentions)}
    gone = {
        f"present.{layer}.{part}" for layer in range(len(attentions)) for part in ("key", "value")
    }
    nodes = _lengths()
    for node in graph.nodes:
        layer = ends.get(node.output[0])
        if layer is not None:
            nodes += _attention(layer, attentions[layer])
        elif node.output[0] not in gone:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(_constants(attentions[0]))
    if MICROSOFT not in {each.domain for each in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    return model


def _constants(attention: WrittenAttention) -> list[TensorProto]:
    values: dict[str, NDArray[np.generic]] = {
        _ONE: np.array([1], np.int64),
        _ALL_HEADS: np.array([0, 0, attention.heads, attention.head_size], np.int64),
        _FLAT: np.array([0, 0, -1], np.int64),
        _ONE + ".32": np.array([1], np.int32),
    }
    return [numpy_helper.from_array(value, name) for name, value in values.items()]


def _lengths() -> list[onnx.NodeProto]:
    """Return the lengths as the attention operator wants them: the last index, and the total."""
    return [
        helper.make_node("Cast", [ALL], [ALL + ".32"], to=TensorProto.INT32),
        helper.make_node("Sub", [ALL + ".32", _ONE + ".32"], [_LAST]),
        helper.make_node("Squeeze", [ALL + ".32"], [_TOTAL]),
        helper.make_node("Concat", [_ONE, _ONE, TOKENS, ALL], [_BIAS_SHAPE], axis=0),
    ]


def _attention(layer: int, found: WrittenAttention) -> list[onnx.NodeProto]:
    own = f"cut.fused.{layer}."
    nodes, rows = [], list[str]()
    for name in (found.queries, found.new_keys, found.new_values):
        first = own + f"{len(rows)}.first"
        nodes.append(helper.make_node("Transpose", [name], [first], perm=[0, 2, 1, 3]))
        rows.append(own + f"{len(rows)}.rows")
        nodes.append(helper.make_node("Reshape", [first, _FLAT], [rows[-1]]))
    bias, bias_nodes = _bias(own, found.biases)
    pasts = [past_name(layer, part) for part in ("key", "value")]
    presents = [f"present.{layer}.{part}" for part in ("key", "value")]
    inputs = [*rows, *pasts, _LAST, _TOTAL, *(["", "", "", bias] if bias else [])]
    fused = helper.make_node(
        ATTENTION,
        inputs,
        [own + "mixed", *presents],
        own + "attention",
        domain=MICROSOFT,
        num_heads=found.heads,
        kv_num_heads=found.kv_heads,
        scale=found.scale,
    )
    if found.window_tokens:
        fused.attribute.append(helper.make_attribute(WINDOW, found.window_tokens))
    return [
        *nodes,
        *bias_nodes,
        fused,
        helper.make_node("Reshape", [own + "mixed", _ALL_HEADS], [own + "apart"]),
        helper.make_node("Transpose", [own + "apart"], [found.mixed], perm=[0, 2, 1, 3]),
    ]


def _bias(own: str, biases: tuple[str, ...]) -> tuple[str, list[onnx.NodeProto]]:
    if not biases:
        return "", []
    total, nodes = biases[0], []
    for index, bias in enumerate(biases[1:]):
        name = own + f"bias.{index}"
        nodes.append(helper.make_node("Add", [total, bias], [name]))
        total = name
    nodes.append(helper.make_node("Expand", [total, _BIAS_SHAPE], [own + "bias"]))
    return own + "bias", nodes


def _computes_the_same(
    written: PlainGraph, fused: PlainGraph, layer: int, attention: WrittenAttention
) -> bool:
    generator = np.random.default_rng(layer)
    try:
        sessions = [_session(graph, layer, attention) for graph in (written, fused)]
        for tokens, past in _STEPS:
            feeds = _feeds(generator, layer, attention, tokens, past)
            expected, found = (_run(session, feeds) for session in sessions)
            if not np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max():
                return False
    except Exception:  # noqa: BLE001 - an operator that refuses the sizes is one not to use
        return False
    return True


def _session(
    graph: PlainGraph, layer: int, attention: WrittenAttention
) -> onnxruntime.InferenceSession:
    """Return a session for the attention alone, from queries and new rows to what it puts out."""
    given = (attention.queries, attention.new_keys, attention.new_values)
    nodes = graph.needed_for([attention.mixed], frozenset(given))
    floats = [*given, *(past_name(layer, part) for part in ("key", "value"))]
    info = helper.make_tensor_value_info
    inputs = [info(name, TensorProto.FLOAT, [None] * 4) for name in floats]
    inputs += [info(name, TensorProto.INT64, [1]) for name in LENGTHS]
    mixed = info(attention.mixed, TensorProto.FLOAT, [None] * 4)
    return open_part(graph, nodes, inputs, [mixed])


def _feeds(
    generator: np.random.Generator,
    layer: int,
    attention: WrittenAttention,
    tokens: int,
    past: int,
) -> _Arrays:
    rows = {
        attention.queries: (attention.heads, tokens),
        attention.new_keys: (attention.kv_heads, tokens),
        attention.new_values: (attention.kv_heads, tokens),
        past_name(layer, "key"): (attention.kv_heads, past),
        past_name(layer, "value"): (attention.kv_heads, past),
    }
    lengths = {TOKENS: tokens, PAST: past, ALL: tokens + past}
    return {
        name: generator.standard_normal((1, *shape, attention.head_size)).astype(np.float32)
        for name, shape in rows.items()
    } | {name: np.array([length], np.int64) for name, length in lengths.items()}


def _run(session: onnxruntime.InferenceSession, feeds: _Arrays) -> NDArray[np.float32]:
    wanted = {value.name for value in session.get_inputs()}
    (result,) = session.run(None, {name: feeds[name] for name in feeds if name in wanted})
    mixed: NDArray[np.float32] = result
    return mixed
