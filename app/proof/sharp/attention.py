"""Grouped-query attention of one row recomputed from its queries and the cache rows it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.proof.sharp.graph import NotCoveredError, Operator
from app.proof.sharp.recomputed import UNIT, Recomputed, gamma
from workers.protocol.wire import Tensor

_EXPONENTIAL: Final = 2e-6
"""Relative error of a softmax's exponentials and of their sum, in float32."""
_UNSEEN: Final = 1e4
"""So far below the highest a score is a row's that was hidden: its weight is none in float32."""
MOST_NUMBERS: Final = 1 << 28
"""Of keys, or values, once for each query of a row."""
_TURN: Final = 4 * UNIT


@dataclass(frozen=True)
class Heads:
    """The sizes of one attention, and what it does to scores."""

    queries: int
    keys: int
    size: int
    scale: float
    softcap: float
    window_tokens: int
    turns: bool
    neighbours: bool
    """Whether what turns together lies side by side."""

    @classmethod
    def of(cls, operator: Operator, width: int) -> Heads:
        """Read an operator whose queries, keys and values are so wide together."""
        attributes: dict[str, Any] = dict(operator.attributes)
        heads, keys = attributes.pop("num_heads"), attributes.pop("kv_num_heads")
        size = width // (heads + 2 * keys)
        read = cls(
            heads,
            keys,
            size,
            float(attributes.pop("scale", 0.0)) or size**-0.5,
            float(attributes.pop("softcap", 0.0)),
            int(attributes.pop("local_window_size", -1)),
            bool(attributes.pop("do_rotary", 0)),
            bool(attributes.pop("rotary_interleaved", 0)),
        )
        if size < 1 or any(attributes.values()):
            raise NotCoveredError(operator.name)
        return read

    @classmethod
    def both_ways(cls, operator: Operator, width: int) -> Heads:
        """Read an encoder's operator whose queries are so wide."""
        attributes: dict[str, Any] = dict(operator.attributes)
        heads = attributes.pop("num_heads")
        size = width // heads
        scale = float(attributes.pop("scale", 0.0)) or size**-0.5
        if size < 1 or any(attributes.values()):
            raise NotCoveredError(operator.name)
        return cls(heads, heads, size, scale, 0.0, -1, turns=False, neighbours=False)


def first_seen(heads: Heads, position: int) -> int:
    """Return the first row of the cache that a row reads."""
    window = heads.window_tokens
    return max(0, position + 1 - window) if window > 0 else 0


def turned(
    row: Tensor, size: int, cosines: Tensor, sines: Tensor, *, neighbours: bool = False
) -> Recomputed:
    """Turn each head of a row by its position's cosines and sines (Su et al. 2021).

    Pairs are halves of what turns, or `neighbours`; what is left of a head stays.
    """
    heads = row.astype(np.float64).reshape(-1, size)
    cosines, sines = cosines.astype(np.float64).ravel(), sines.astype(np.float64).ravel()
    half = len(cosines)
    places = np.arange(2 * half).reshape((half, 2) if neighbours else (2, half))
    first, second = places.T if neighbours else places
    value, error = heads.copy(), np.zeros(heads.shape)
    value[:, first] = heads[:, first] * cosines - heads[:, second] * sines
    value[:, second] = heads[:, second] * cosines + heads[:, first] * sines
    sizes, cosines, sines = np.abs(heads), np.abs(cosines), np.abs(sines)
    error[:, first] = sizes[:, first] * cosines + sizes[:, second] * sines
    error[:, second] = sizes[:, second] * cosines + sizes[:, first] * sines
    return Recomputed(value.ravel(), _TURN * error.ravel())


def attended(
    heads: Heads, queries: Recomputed, keys: Tensor, values: Tensor, bias: Tensor | None
) -> Recomputed:
    """Recompute a row over the cache rows that it sees, `[rows, key heads * size]` each."""
    group = heads.queries // heads.keys
    rows = len(keys)
    if heads.queries * heads.size * rows > MOST_NUMBERS:
        raise NotCoveredError("GroupQueryAttention")
    query = queries.value.reshape(heads.queries, heads.size)
    unsure = queries.allowed.reshape(heads.queries, heads.size)
    # [key heads, rows, size], once for each query of its group
    key = np.repeat(_by_head(keys, heads), group, axis=0)
    value = np.repeat(_by_head(values, heads), group, axis=0)
    scores = heads.scale * np.einsum("hd,hrd->hr", query, key)
    sizes = heads.scale * np.einsum("hd,hrd->hr", np.abs(query), np.abs(key))
    moved = 2 * gamma(heads.size + 2) * sizes
    moved += heads.scale * np.einsum("hd,hrd->hr", unsure, np.abs(key))
    if heads.softcap:
        scores = heads.softcap * np.tanh(scores / heads.softcap)
        moved += 8 * UNIT * heads.softcap
    if bias is not None:
        scores = scores + bias.astype(np.float64).reshape(-1, rows)
    moved += 4 * UNIT * np.abs(scores)
    behind = scores.max(axis=1, keepdims=True) - scores
    moved[behind > _UNSEEN] = 0.0  # however far such a score may be off, its row is not seen
    weights = np.exp(-behind)
    weights /= weights.sum(axis=1, keepdims=True)
    answer = np.einsum("hr,hrd->hd", weights, value)
    share = np.expm1(2 * moved.max(axis=1)) + 2 * gamma(rows + 2) + _EXPONENTIAL
    allowed = share[:, None] * np.einsum("hr,hrd->hd", weights, np.abs(value))
    return Recomputed(answer.ravel(), allowed.ravel())


def _by_head(rows: Tensor, heads: Heads) -> Tensor:
    apart = rows.astype(np.float64).reshape(len(rows), heads.keys, heads.size)
    return np.swapaxes(apart, 0, 1)
