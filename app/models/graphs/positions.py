"""Positions computed inside a shard, from the lengths that every shard gets anyway.

So nothing but one hidden state crosses a boundary.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from app.models.graphs.graph import LENGTHS, TOTAL_LENGTH, ShardGraph

UNUSED_POSITIONS = 2
"""Of BART's and M2M100's: positions are counted from behind these."""


def sorted_waves(count: int, size: int) -> NDArray[np.float32]:
    """Return sines, then cosines, of neighbouring columns' frequencies (Marian, Pegasus)."""
    columns = np.arange(size)
    angles = np.arange(count)[:, None] / np.power(10000, 2 * (columns // 2) / size)[None]
    return np.concatenate([np.sin(angles[:, ::2]), np.cos(angles[:, 1::2])], 1).astype(np.float32)


def later_waves(count: int, size: int) -> NDArray[np.float32]:
    """Return sines, then cosines, from the third position on (M2M100, after fairseq)."""
    half = size // 2
    step = math.log(10000) / (half - 1)
    rates = np.exp(np.arange(half, dtype=np.float32) * np.float32(-step))
    angles = np.arange(UNUSED_POSITIONS, UNUSED_POSITIONS + count, dtype=np.float32)[:, None]
    waves = np.concatenate([np.sin(angles * rates), np.cos(angles * rates)], 1)
    return np.pad(waves, ((0, 0), (0, size % 2))).astype(np.float32)


def positions(graph: ShardGraph, rows: str) -> str:
    """Return each token's place in its sequence, int64 [batch, tokens].

    `rows` is any value [batch, tokens, ...].
    """
    return graph.once("positions", lambda: _add_positions(graph, rows))


def linear_bias(graph: ShardGraph, rows: str, heads: int) -> str:
    """Return ALiBi's bias [1, heads, tokens, all tokens] (Press et al. 2022, section 3).

    The slope times the key's position: only differences within a row matter to the softmax.
    """
    return graph.once("alibi", lambda: _add_linear_bias(graph, rows, heads))


def linear_slopes(heads: int) -> NDArray[np.float32]:
    """Return each head's slope: a geometric series, filled up from the next one's odd members."""
    whole = 1 << int(math.log2(heads))
    slopes = [2.0 ** (-8 * (index + 1) / whole) for index in range(whole)]
    slopes += [2.0 ** (-4 * (2 * index + 1) / whole) for index in range(heads - whole)]
    return np.array(slopes, np.float32)


def _add_linear_bias(graph: ShardGraph, rows: str, heads: int) -> str:
    zero, one = graph.constant("alibi.0", np.int32(0)), graph.constant("alibi.1", np.int32(1))
    keys = graph.operator("Range", [zero, TOTAL_LENGTH, one])
    places = graph.operator("Cast", [keys], to=TensorProto.FLOAT)
    slopes = graph.constant("alibi.slopes", linear_slopes(heads).reshape(1, heads, 1, 1))
    row = graph.operator("Mul", [slopes, places])
    before = graph.constant("alibi.shape", np.array([1, heads], np.int64))
    after = graph.constant("alibi.any", np.array([1], np.int64))
    shape = graph.operator("Concat", [before, _token_count(graph, rows), after], axis=0)
    return graph.operator("Expand", [row, shape])


def _add_positions(graph: ShardGraph, rows: str) -> str:
    one = graph.constant("one", np.int64(1))
    zero = graph.constant("zero", np.int64(0))
    first_axis = graph.constant("axis.1", np.array([1], np.int64))
    count = graph.operator("Squeeze", [_token_count(graph, rows)])
    lengths = graph.operator("Cast", [LENGTHS], to=TensorProto.INT64)
    after = graph.operator("Add", [lengths, one])
    cached = graph.operator("Max", [graph.operator("Sub", [after, count]), zero])
    column = graph.operator("Unsqueeze", [cached, first_axis])
    return graph.operator("Add", [column, graph.operator("Range", [zero, count, one])])


def _token_count(graph: ShardGraph, value: str) -> str:
    return graph.operator("Shape", [value], start=1, end=2)
