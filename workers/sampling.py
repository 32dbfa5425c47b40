"""Choosing the next token from the last row's logits, the same wherever it is done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.errors import EngineError
from workers.wire import Tensor

_FIRST_CANDIDATES = 64
_MANTISSA_BITS = 53


@dataclass(frozen=True)
class Sampling:
    """Temperature 0 is greedy; `top_p` keeps the likeliest tokens that sum to that much."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


def choose_token(logits: Tensor, sampling: Sampling, position: int) -> tuple[int, float]:
    """Return the token and the natural logarithm of its probability at temperature 1.

    `logits` is `[vocabulary]`; `position` is the index in the sequence of the token being chosen
    (rows in the cache after the step). Randomness comes from the seed and that position alone,
    so the same request yields the same tokens under any assignment.
    Raises `EngineError` for logits that are not finite.
    """
    scores = logits.astype(np.float64)
    if not np.isfinite(scores).all():
        raise EngineError("the model produced numbers that are not finite")
    if sampling.temperature == 0:
        token = int(scores.argmax())
    else:
        with np.errstate(over="ignore"):  # a quotient beyond all numbers weighs nothing
            heated = (scores - scores.max()) / sampling.temperature
        token = _sample(heated, sampling, position)
    highest = scores.max()
    return token, float(scores[token] - highest - np.log(np.exp(scores - highest).sum()))


def _sample(scores: Tensor, sampling: Sampling, position: int) -> int:
    """Choose among scores of which the highest is 0."""
    weights = np.exp(scores)
    weights /= weights.sum()
    candidates = _nucleus(weights, sampling.top_p)
    cumulative = np.cumsum(weights[candidates])
    drawn = _uniform(sampling.seed, position) * cumulative[-1]
    chosen = min(int(np.searchsorted(cumulative, drawn, side="right")), len(candidates) - 1)
    return int(candidates[chosen])


def _nucleus(weights: Tensor, top_p: float) -> Tensor:
    """Return the smallest set of likeliest tokens that reaches `top_p`, likeliest first.

    Equal probabilities are ordered by token number, so the set is the same everywhere.
    """
    count = _FIRST_CANDIDATES
    while True:
        ranked = _likeliest(weights, count)
        reached = int(np.searchsorted(np.cumsum(weights[ranked]), top_p))
        if reached < len(ranked) or len(ranked) == len(weights):
            return ranked[: reached + 1]
        count *= 8


def _likeliest(weights: Tensor, count: int) -> Tensor:
    if count >= len(weights):
        return np.argsort(-weights, kind="stable")
    threshold = np.partition(weights, len(weights) - count)[len(weights) - count]
    candidates = np.flatnonzero(weights >= threshold)
    return candidates[np.argsort(-weights[candidates], kind="stable")]


def _uniform(seed: int, position: int) -> float:
    """Return a number in [0, 1) from the counter-based generator Philox 4x64."""
    bits = np.random.Philox(key=seed, counter=position).random_raw()
    return int(bits >> (64 - _MANTISSA_BITS)) / float(1 << _MANTISSA_BITS)
