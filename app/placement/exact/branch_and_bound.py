"""Arrangements of a small rack that are cheap by every one of several measures at once.

Stage after stage is added, the most promising first; what an exact search says of the cheapest
completion by each measure cuts off what cannot become cheap enough.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.placement.budget import Budget
from app.placement.costs.spans import AdditiveProblem, Arrangement, PhoneSpan
from app.placement.exact.ring_search import end_floors
from app.placement.exact.subset_search import Completions

STEPS = 4000
"""Arrangements begun, at most: a fraction of a second."""

_Costs = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Begun:
    """The first spans of an arrangement, what they cost by each measure, and the phones used."""

    spans: tuple[PhoneSpan, ...]
    costs: _Costs
    used: int


def least_worst(
    tables: Sequence[AdditiveProblem], below: float, budget: Budget, steps: int = STEPS
) -> tuple[Arrangement | None, bool]:
    """Return the arrangement whose dearest sum is least, None where none is below that.

    Also whether everything was looked at, which makes it a proof. At most 12 phones; tables of the
    same phones, layers and duties. Raises `BudgetSpentError`.
    """
    search = _LeastWorst(tables, np.full(len(tables), below), budget)
    whole = search.run(steps)
    return search.best, whole


def cheapest_within(
    table: AdditiveProblem,
    limited: Sequence[tuple[AdditiveProblem, float]],
    below: float,
    budget: Budget,
    steps: int = STEPS,
) -> tuple[Arrangement | None, bool]:
    """Return the cheapest arrangement whose other sums are below their limits.

    None where none costs less than `below`; also whether everything was looked at. Takes and raises
    what `least_worst` does.
    """
    tables = (table, *(each for each, _ in limited))
    search = _CheapestWithin(tables, np.array([below, *(limit for _, limit in limited)]), budget)
    whole = search.run(steps)
    return search.best, whole


class _Search(ABC):
    """Depth first, with the bounds of all measures: each sum has to stay below its own limit."""

    def __init__(self, tables: Sequence[AdditiveProblem], below: _Costs, budget: Budget) -> None:
        self.best: Arrangement | None = None
        self._below = below.copy()
        self._budget = budget
        floors = [end_floors(table.back_cost) for table in tables]
        rests = [
            Completions(table, begin, end, float(limit), budget)
            for table, (begin, end), limit in zip(tables, floors, below, strict=True)
        ]
        self._sets = rests[0].sets
        self._rest = np.stack([rest.cost for rest in rests])
        self._begin = np.stack([begin for begin, _ in floors])
        self._span = np.stack([table.span_cost for table in tables])
        self._hop = np.stack([table.hop_cost for table in tables])
        self._back = np.stack([table.back_cost for table in tables])
        self._devices, self._layers = tables[0].device_count, tables[0].layer_count
        self._use_all = tables[0].use_all

    def run(self, steps: int) -> bool:
        """Search; false where it took too many steps."""
        waiting = [_Begun((), np.zeros(len(self._span)), 0)]
        while waiting:
            self._budget.check()
            steps -= 1
            if steps < 0:
                return False
            begun = waiting.pop()
            self._finish(begun)
            waiting += self._next(begun)
        return True

    def _finish(self, begun: _Begun) -> None:
        """Take an arrangement that is whole and better than the best."""
        whole = bool(begun.spans) and begun.spans[-1].end == self._layers
        if not whole or (self._use_all and len(begun.spans) < self._devices):
            return
        costs = begun.costs + self._back[:, begun.spans[-1].device, begun.spans[0].device]
        if (costs < self._below).all():
            cost = self._tighten(costs)
            self.best = Arrangement(cost, begun.spans, proven_optimal=True)

    @abstractmethod
    def _tighten(self, costs: _Costs) -> float:
        """Lower the limits to what an arrangement costs that keeps to all; return its cost."""

    def _next(self, begun: _Begun) -> list[_Begun]:
        """Return what may follow, the most promising last."""
        start = begun.spans[-1].end if begun.spans else 0
        if start == self._layers:
            return []
        devices = [one for one in range(self._devices) if not begun.used >> one & 1]
        columns = self._sets.column[[begun.used | 1 << device for device in devices]]
        reached = begun.costs[:, None] + self._on_the_way(begun, devices)
        costs = reached[:, :, None] + self._span[:, devices, start]
        bounds = costs + self._rest[:, devices, :, columns].transpose(1, 0, 2)
        bounds += self._floor(begun, devices)[:, :, None]
        limits = self._below[:, None, None]
        promising = np.argwhere((bounds < limits).all(axis=0))
        worst = self._worst(bounds)
        order = np.argsort(-worst[tuple(promising.T)], kind="stable")
        return [
            _Begun(
                (*begun.spans, PhoneSpan(devices[at], start, int(end))),
                costs[:, at, end],
                begun.used | 1 << devices[at],
            )
            for at, end in promising[order]
        ]

    @abstractmethod
    def _worst(self, bounds: _Costs) -> _Costs:
        """Return how promising what may follow is by its bounds, the least the most."""

    def _on_the_way(self, begun: _Begun, devices: list[int]) -> _Costs:
        if not begun.spans:
            return np.zeros((len(self._span), len(devices)))
        return self._hop[:, begun.spans[-1].device, devices]

    def _floor(self, begun: _Begun, devices: list[int]) -> _Costs:
        """Return what beginning on the first phone costs at least."""
        if not begun.spans:
            return self._begin[:, devices]
        return np.repeat(self._begin[:, begun.spans[0].device, None], len(devices), axis=1)


class _LeastWorst(_Search):
    """All limits are one: the dearest sum counts."""

    def _tighten(self, costs: _Costs) -> float:
        self._below[:] = costs.max()
        return float(costs.max())

    def _worst(self, bounds: _Costs) -> _Costs:
        worst: _Costs = bounds.max(axis=0)
        return worst


class _CheapestWithin(_Search):
    """The first sum counts; the others have only to stay within their limits."""

    def _tighten(self, costs: _Costs) -> float:
        self._below[0] = costs[0]
        return float(costs[0])

    def _worst(self, bounds: _Costs) -> _Costs:
        first: _Costs = bounds[0]
        return first
