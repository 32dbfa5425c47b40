"""The one form every planner works on: a cost per span, a cost per hop, which phones must work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


class Span(NamedTuple):
    """Layers `first .. end - 1` on the phone of that index."""

    device: int
    first: int
    end: int


@dataclass(frozen=True)
class Arrangement:
    """Spans in ring order, the sum they cost, and whether no other costs less."""

    cost: float
    spans: tuple[Span, ...]
    proven_optimal: bool

    @property
    def order(self) -> tuple[int, ...]:
        """Device indexes in ring order."""
        return tuple(span.device for span in self.spans)


@dataclass(frozen=True)
class SpanTable:
    """An additive placement problem.

    `span_cost` is `[devices, layers + 1, layers + 1]`, infinite where a phone must not hold layers
    `a .. b - 1`; `hop_cost` is `[sender, receiver]`, `back_cost` `[last phone, first phone]`.
    `pinned` phones have to work, in that order; `start` is an order of all phones that a search
    with pins may begin with.
    """

    span_cost: npt.NDArray[np.float64]
    hop_cost: Matrix
    back_cost: Matrix
    use_all: bool
    pinned: tuple[int, ...] = ()
    start: tuple[int, ...] = ()

    @property
    def device_count(self) -> int:
        """Number of phones."""
        return int(self.span_cost.shape[0])

    @property
    def layer_count(self) -> int:
        """Number of layers."""
        return int(self.span_cost.shape[1]) - 1

    def only(self, allowed: npt.NDArray[np.bool_]) -> SpanTable:
        """Return this table with every other span forbidden."""
        return replace(self, span_cost=np.where(allowed, self.span_cost, np.inf))
