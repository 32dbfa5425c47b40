"""What an honest operator may have answered: a value, and how far from it floats may lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from workers.protocol.wire import Tensor

UNIT: Final = 2.0**-24
"""Half the distance of float32 numbers around one: the error of one rounding."""
_TINY: Final = float(np.finfo(np.float32).tiny)


def gamma(terms: int) -> float:
    """Return the bound on the relative error of `terms` roundings (Higham 2002, section 3.1)."""
    return terms * UNIT / (1 - terms * UNIT)


@dataclass(frozen=True)
class Recomputed:
    """One output row of an operator, in float64."""

    value: Tensor
    allowed: Tensor
    """How far each number may lie off at most, whatever the order of additions."""
    spread: Tensor | None = None
    """How far numbers lie off together, as a root of the mean square: far below `allowed`, as
    roundings of many terms cancel (Higham and Mary 2019). None where nothing cancels."""


def excess(claimed: Tensor, honest: Recomputed) -> float:
    """Return how far a row is off, in what is allowed: above 1 no honest operator gave it."""
    if claimed.shape != honest.value.shape:
        return float("inf")
    if not np.isfinite([claimed, honest.value, honest.allowed]).all():
        return float("inf")  # an operator was shown, or gave, what is no number
    error = np.abs(claimed.astype(np.float64) - honest.value)
    worst = float((error / (honest.allowed + _TINY)).max(initial=0.0))
    if honest.spread is None or not error.size:
        return worst
    together = np.sqrt((error**2).mean()) / (np.sqrt((honest.spread**2).mean()) + _TINY)
    return max(worst, float(together))
