"""Least worst of two sums: arrangements that have to be cheap by both of two measures.

What all streams together get is limited by the airtime of a token's hops and by its latency over
the streams: two sums over the same arrangement, of which the larger counts. A weighted mean of both
is a sum again and never more than the larger, so that its minimum is a bound. The weight that makes
the bound highest is where the two measures meet (Lagrangian relaxation of a shortest path with
one constraint; Handler and Zang, 1980). A gap that is left is closed by branch and bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from app.placement.budget import Budget
from app.placement.costs.spans import AdditiveProblem, Arrangement
from app.placement.exact.additive import cheapest
from app.placement.exact.branch_and_bound import least_worst
from app.placement.exact.ring_search import NEGLIGIBLE
from app.placement.exact.subset_search import MAX_DEVICES

MIXTURES = 12
"""Weights tried at most."""


@dataclass(frozen=True)
class BestArrangement:
    """The best arrangement that costs less than was wanted, None where there is none.

    Where it is proven, nothing costs less than `bound`, which is the arrangement's cost unless that
    is enough as it is, and nothing below what was wanted where there is no arrangement.
    """

    found: Arrangement | None
    bound: float
    proven: bool


class WorstOfSums:
    """Searches two additive tables over the same phones and layers for the least larger sum."""

    def __init__(
        self,
        one: AdditiveProblem,
        other: AdditiveProblem,
        allowed: npt.NDArray[np.bool_],
        below: float,
        enough: float,
        budget: Budget,
    ) -> None:
        """Look among allowed spans for what costs less than `below`; `enough` or less will do."""
        self._one = one.only(allowed)
        self._whole_other = other
        self._allowed = allowed
        self._wanted = below
        self._enough = enough
        self._budget = budget
        self._best: Arrangement | None = None
        self._bound = 0.0
        self._weight = 0.5

    def answer(self) -> BestArrangement:
        """Search. Proven for up to 12 phones where the gap could be closed.

        Raises `BudgetSpentError`.
        """
        quick = self._cheapest(1.0)
        if quick is not None and not self._settled:
            sparing = self._cheapest(0.0)
            if sparing is not None and not self._settled:
                self._meet(quick, sparing)
        proven = self._one.device_count <= MAX_DEVICES and (self._settled or self._close_gap())
        return BestArrangement(self._best, self._bound, proven)

    @cached_property
    def _other(self) -> AdditiveProblem:
        """The second table, made once it is searched: often the first tells enough."""
        return self._whole_other.only(self._allowed)

    @property
    def _below(self) -> float:
        return self._wanted if self._best is None else self._best.cost

    @property
    def _settled(self) -> bool:
        enough = self._best is not None and self._best.cost <= self._enough
        return enough or self._bound >= self._below * (1 - NEGLIGIBLE)

    def _cheapest(self, weight: float) -> Arrangement | None:
        """Find the cheapest by a weighted mean, `weight` on the first; None where it is dear."""
        table = self._one if weight == 1.0 else self._one.mixed(self._other, weight)
        found = cheapest(table, self._below, self._budget)
        if found is None:
            self._bound = max(self._bound, self._below)
            return None
        self._bound = max(self._bound, found.cost)
        cost = max(self._one.cost(found.spans), self._whole_other.cost(found.spans))
        if cost < self._below:
            self._best = replace(found, cost=cost)
        return found

    def _meet(self, quick: Arrangement, sparing: Arrangement) -> None:
        """Try weights by which two arrangements cost the same, one dear by either measure."""
        for _ in range(MIXTURES):
            self._weight = self._level(quick, sparing)
            level = self._mean(quick, self._weight)
            mixed = self._cheapest(self._weight)
            if mixed is None or self._settled or mixed.cost >= level * (1 - NEGLIGIBLE):
                return
            if self._one.cost(mixed.spans) < self._other.cost(mixed.spans):
                quick = mixed
            else:
                sparing = mixed

    def _level(self, quick: Arrangement, sparing: Arrangement) -> float:
        saved = self._other.cost(quick.spans) - self._other.cost(sparing.spans)
        paid = self._one.cost(sparing.spans) - self._one.cost(quick.spans)
        return saved / (saved + paid) if saved + paid > 0 else 0.5

    def _mean(self, found: Arrangement, weight: float) -> float:
        one, other = self._one.cost(found.spans), self._other.cost(found.spans)
        return weight * one + (1 - weight) * other

    def _close_gap(self) -> bool:
        """Look at all that may cost less than the best; false where that is too much."""
        tables = (self._one, self._other, self._one.mixed(self._other, self._weight))
        better, whole = least_worst(tables, self._below, self._budget)
        if better is not None:
            self._best = better
        if whole:
            self._bound = max(self._bound, self._below)
        return whole
