"""What a last stage commits to for a token: it, how likely it is, and the likeliest beside it."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Final

import numpy as np

from workers.identity.transcript import NO_TOKEN
from workers.protocol.sampling_rule import Choice
from workers.protocol.wire import Tensor

COMMITTED_ALTERNATIVES: Final = 8
"""How many of the likeliest tokens are committed to with each one chosen, asked for or not."""


def answer_leaf(chosen: Choice, alternatives: Sequence[Choice]) -> Tensor:
    """Return `f4 [1 + alternatives, 2]`: tokens with their log-probabilities, the chosen one first.

    A token's number is below 2^24 and therefore exact as float32.
    """
    return np.array([chosen, *alternatives], np.float32)


def no_answer() -> Tensor:
    """Return what is committed to for a step that wanted none, `i8 [1]`."""
    return np.array([NO_TOKEN], np.int64)


def chosen_token(leaf: Tensor) -> int:
    """Return the token that a leaf made by `answer_leaf` says was chosen."""
    return int(leaf[0, 0])


def is_answer_leaf(leaf: Tensor, vocabulary_size: int) -> bool:
    """Tell whether this is the form of a token with its figures, alternatives likeliest first."""
    if leaf.dtype != np.float32 or leaf.ndim != 2 or leaf.shape[1] != 2 or len(leaf) < 1:
        return False
    tokens, figures = leaf.T.tolist()  # so few are looked at sooner one by one
    if not all(0 <= token < vocabulary_size and token.is_integer() for token in tokens):
        return False
    if not all(map(math.isfinite, figures)) or max(figures) > 0:
        return False
    beside = dict(zip(tokens[1:], figures[1:], strict=True))
    falling = all(map(operator.ge, figures[1:], figures[2:]))
    once = len(beside) == len(tokens) - 1
    return once and falling and beside.get(tokens[0], figures[0]) == figures[0]
