"""Whether a token is one that an honest last stage could have chosen."""

from __future__ import annotations

import numpy as np

from app.proof.tolerance import WITHOUT_MEASURE, allowed_deviation
from workers.sampling import Sampling, choose_token
from workers.wire import Tensor


def token_deviation(logits: Tensor, token: int, sampling: Sampling, position: int) -> float:
    """Return by how much a token misses being the one to choose, in tolerances.

    `logits` is `[vocabulary]`, `position` the rows in the cache after the step. Greedily, the
    likeliest token's logit and the chosen one's may each be off by the tolerance, so their gap by
    both. A sampled token must be the same: it depends on the whole distribution.
    """
    if not 0 <= token < len(logits):
        return WITHOUT_MEASURE
    if token == choose_token(logits, sampling, position)[0]:
        return 0.0
    if sampling.temperature != 0:
        return WITHOUT_MEASURE
    reference = logits.astype(np.float64)
    allowed, best = allowed_deviation(reference), int(reference.argmax())
    return float((reference[best] - reference[token]) / (allowed[best] + allowed[token]))


def token_stands(logits: Tensor, token: int, sampling: Sampling, position: int) -> bool:
    """Say whether a token is within the tolerance of the one to choose."""
    return token_deviation(logits, token, sampling, position) <= 1
