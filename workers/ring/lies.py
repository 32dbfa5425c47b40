"""What a liar makes of what it computed, by the fault's name: pure functions of the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from workers.fault_names import FaultName
from workers.protocol.wire import Tensor

Lie = Callable[[Tensor, float], Tensor]
"""Of the true numbers and the fault's amount; what it gets stays as it is."""
MANTISSA_BITS: Final = 23
"""Of float32."""


def _negated(numbers: Tensor, _amount: float) -> Tensor:
    """Negate every other number."""
    altered = numbers.copy()
    altered[..., ::2] *= -1
    return altered


def _next_one(numbers: Tensor, _amount: float) -> Tensor:
    """Give each place the number before it."""
    return np.roll(numbers, 1, axis=-1)


def _noisy(numbers: Tensor, amount: float) -> Tensor:
    """Make each number wrong by up to that share of it; the same each time."""
    chance = np.random.default_rng(numbers.size).uniform(-amount, amount, numbers.shape)
    return (numbers * (1 + chance)).astype(numbers.dtype)


def coarse(numbers: Tensor, amount: float) -> Tensor:
    """Round float32 numbers to so many bits of mantissa, 1 to 22."""
    dropped = MANTISSA_BITS - min(max(int(amount), 1), MANTISSA_BITS - 1)
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32).astype(np.uint64)
    kept = (bits + (1 << (dropped - 1))) >> dropped << dropped
    return kept.astype(np.uint32).view(np.float32)


def _not_finite(numbers: Tensor, _amount: float) -> Tensor:
    return np.full_like(numbers, np.nan)


def _cut(numbers: Tensor, _amount: float) -> Tensor:
    """Leave out the last number of each row."""
    return numbers[..., :-1].copy()


def _second_best(logits: Tensor, _amount: float) -> Tensor:
    """Let the likeliest be the least likely."""
    altered = logits.copy()
    altered[..., int(np.argmax(logits))] = logits.min() - 1
    return altered


def _surer(logits: Tensor, _amount: float) -> Tensor:
    """Let the likeliest seem more certain than it is."""
    return (logits * 2).astype(logits.dtype)


HIDDEN_LIES: Final[Mapping[FaultName, Lie]] = {
    FaultName.WRONG_OUTPUT: _negated,
    FaultName.HIDDEN_TRANSCRIPT: _negated,
    FaultName.NOISE: _noisy,
    FaultName.COARSE: coarse,
    FaultName.NOT_FINITE: _not_finite,
    FaultName.WRONG_SHAPE: _cut,
}
"""Of hidden states `f4 [.., tokens, hidden]` before they are passed on and signed for."""
LOGIT_LIES: Final[Mapping[FaultName, Lie]] = {
    FaultName.WRONG_OUTPUT: _next_one,
    FaultName.HIDDEN_TRANSCRIPT: _next_one,
    FaultName.NOISE: _noisy,
    FaultName.COARSE: coarse,
    FaultName.SECOND_BEST: _second_best,
}
"""Of logits `f4 [vocabulary]` before a token is chosen by them: its figures are as wrong as it."""
FIGURE_LIES: Final[Mapping[FaultName, Lie]] = {FaultName.FALSE_FIGURES: _surer}
"""Of logits once the token is chosen: only what is told of its likelihood is wrong."""
