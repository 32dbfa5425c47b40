"""The one form every planner works on: a cost per span, a cost per hop, which phones must work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


class PhoneSpan(NamedTuple):
    """Layers `first .. end - 1` on the phone of that index."""

    device: int
    first: int
    end: int


@dataclass(frozen=True)
class Arrangement:
    """Spans in ring order, the sum they cost, and whether no other costs less."""

    cost: float
    spans: tuple[PhoneSpan, ...]
    proven_optimal: bool

    @property
    def order(self) -> tuple[int, ...]:
        """Device indexes in ring order."""
        return tuple(span.device for span in self.spans)


@dataclass(frozen=True)
class AdditiveProblem:
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

    def cost(self, spans: Sequence[PhoneSpan]) -> float:
        """Return what an arrangement costs, the way back included."""
        hops = sum(float(self.hop_cost[one.device, two.device]) for one, two in pairwise(spans))
        back = float(self.back_cost[spans[-1].device, spans[0].device])
        return sum(float(self.span_cost[span]) for span in spans) + hops + back

    def mixed(self, other: AdditiveProblem, weight: float) -> AdditiveProblem:
        """Return the table of weighted means, `weight` on this one and the rest on the other."""
        if weight in {0.0, 1.0}:
            return self if weight else other
        rest = 1.0 - weight
        return replace(
            self,
            span_cost=weight * self.span_cost + rest * other.span_cost,
            hop_cost=weight * self.hop_cost + rest * other.hop_cost,
            back_cost=weight * self.back_cost + rest * other.back_cost,
        )

    def only(self, allowed: npt.NDArray[np.bool_], factor: float = 1.0) -> AdditiveProblem:
        """Return this table of the allowed spans alone, every cost so many times as high."""
        span_cost = np.where(allowed, self.span_cost, np.inf)
        if factor == 1.0:
            return replace(self, span_cost=span_cost)
        span_cost *= factor
        return replace(
            self,
            span_cost=span_cost,
            hop_cost=self.hop_cost * factor,
            back_cost=self.back_cost * factor,
        )
