"""Whether a token is one that an honest last stage could have chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.proof.tolerance import WITHOUT_MEASURE, allowed_deviation
from workers.engine.sampling import biased, choose_token, heated, noise, softmax
from workers.protocol.sampling_rule import UNSTEERED, SamplingRule, SteeredRule
from workers.protocol.wire import Tensor

_LARGEST_EXPONENT = 350.0
"""Scores further apart than twice this differ by more than all probabilities can tell."""
_LARGEST_SLACK = 1e300
"""At temperatures near 0, so that a few of it are still a number."""


@dataclass(frozen=True)
class Leeway:
    """What an honest stage's logits may differ by, and what follows for the choice; by token."""

    allowed: Tensor
    """How far each logit may be off."""
    surely: Tensor
    """Whether the token is one that may be drawn whatever the difference."""
    possibly: Tensor
    """Whether some difference puts it there."""


def token_deviation(
    logits: Tensor, token: int, sampling: SamplingRule, position: int, leeway: Leeway | None = None
) -> float:
    """Return by how much a token misses being the one to choose, in tolerances.

    `logits` is `[vocabulary]`, `position` the rows in the cache after the step. The best token's
    logit and the chosen one's may each be off by the tolerance, so their gap by both; without a
    `leeway` it is that of float32. A sampled token must besides be one that may be drawn by the
    rule's bounds.
    """
    if not 0 <= token < len(logits):
        return WITHOUT_MEASURE
    if token == choose_token(logits, sampling, position):
        return 0.0
    scores = biased(logits, sampling).astype(np.float64)
    if not np.isfinite(scores[token]):
        return WITHOUT_MEASURE
    leeway = leeway or _rounding_errors(logits.astype(np.float64), scores, sampling)
    if sampling.temperature == 0:
        return _gap(scores, leeway.allowed, token)
    if not leeway.possibly[token]:
        return WITHOUT_MEASURE
    noised = scores + sampling.temperature * noise(sampling, position, np.arange(len(scores)))
    rivals = np.where(leeway.surely | (np.arange(len(scores)) == token), noised, -np.inf)
    return _gap(rivals, leeway.allowed, token)


def even_leeway(logits: Tensor, sampling: SamplingRule, share: float) -> Leeway:
    """Return the leeway where each logit may be off by so much of the largest."""
    largest = float(np.abs(logits[np.isfinite(logits)]).max(initial=0.0))
    each = max(share * largest, float(np.finfo(np.float32).tiny))
    allowed = _stretched(np.full(len(logits), each), sampling)
    scores = biased(logits, sampling).astype(np.float64)
    return Leeway(allowed, *_nuclei(scores, float(allowed.max()), sampling))


def token_stands(logits: Tensor, token: int, sampling: SamplingRule, position: int) -> bool:
    """Say whether a token is within the tolerance of the one to choose."""
    return token_deviation(logits, token, sampling, position) <= 1


def _gap(scores: Tensor, allowed: Tensor, token: int) -> float:
    """Return how far the best score lies above a token's, in what both may be off."""
    best = int(scores.argmax())
    return float((scores[best] - scores[token]) / (allowed[best] + allowed[token]))


def _rounding_errors(logits: Tensor, scores: Tensor, sampling: SamplingRule) -> Leeway:
    """Return the leeway of logits as the model put them out; scores are those with biases."""
    allowed = _stretched(allowed_deviation(logits), sampling)
    return Leeway(allowed, *_nuclei(scores, float(allowed.max()), sampling))


def _stretched(allowed: Tensor, sampling: SamplingRule) -> Tensor:
    """Return the leeway of logits where some are multiplied, and what they are off by with them."""
    steering = sampling.steering if isinstance(sampling, SteeredRule) else UNSTEERED
    tokens = [token for token in steering.repeated if token < len(allowed)]
    if not tokens:
        return allowed
    stretched = allowed.copy()
    stretched[tokens] *= max(1.0, steering.repetition, 1 / steering.repetition)
    return stretched


def _nuclei(logits: Tensor, allowed: float, sampling: SamplingRule) -> tuple[Tensor, Tensor]:
    """Return which tokens may surely, and which possibly, be drawn (see `SamplingRule`).

    Scores may each be off by `slack`: two within twice that may change places, and a sum of
    probabilities may be off by the factor exp(2 * slack).
    """
    if sampling.keeps_all:
        every = np.ones(len(logits), bool)
        return every, every
    slack = min(allowed / sampling.temperature, _LARGEST_SLACK)
    scores = np.maximum(heated(logits, sampling), -4 * max(slack, _LARGEST_EXPONENT))
    probabilities = softmax(scores)
    descending = np.sort(scores)[::-1]
    sums = np.concatenate([[0.0], np.cumsum(softmax(descending))])
    surely_above = np.searchsorted(-descending, -(scores + 2 * slack))
    possibly_above = np.searchsorted(-descending, -(scores - 2 * slack), side="right")
    surely, possibly = np.ones(len(logits), bool), np.ones(len(logits), bool)
    if sampling.top_p < 1:
        factor = np.exp(-2 * slack)  # of its inverse there might be none
        surely &= sums[possibly_above] - probabilities < sampling.top_p * factor
        possibly &= sums[surely_above] * factor < sampling.top_p
    if sampling.top_k > 0:
        surely &= possibly_above <= sampling.top_k
        possibly &= surely_above < sampling.top_k
    if sampling.min_p > 0:
        least = np.log(sampling.min_p)
        surely &= scores - 2 * slack >= least
        possibly &= scores + 2 * slack >= least
    return surely, possibly
