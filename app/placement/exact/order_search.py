"""Best spans for phones in a given ring order: exact dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.placement.costs.spans import AdditiveProblem, Arrangement, PhoneSpan
from app.placement.exact.ring_search import Vector, cheapest_ring


def cheapest_in_order(table: AdditiveProblem, order: Sequence[int]) -> Arrangement | None:
    """Return the cheapest spans that keep the order; phones may be skipped unless all must work.

    None where the order allows nothing. `proven_optimal` speaks of this order only and is
    therefore False. Time O(phones x layers^2), vectorised, as many times as `cheapest_ring` looks.
    """
    return cheapest_ring(
        table.back_cost, lambda begin: _InOrder(table, tuple(order), begin), proven=False
    )


class _InOrder:
    """The cheapest arrangements that keep an order, by their last phone."""

    def __init__(self, table: AdditiveProblem, order: tuple[int, ...], begin: Vector) -> None:
        count, layers = len(order), table.layer_count
        self._order = order
        self._best = np.full((count + 1, layers + 1), np.inf)
        self._best[0, 0] = 0.0
        self._previous = np.zeros((count + 1, layers + 1), np.intp)
        self._start = np.zeros((count + 1, layers + 1), np.intp)
        for position in range(1, count + 1):
            self._place(table, position, begin)
        self.cost: Vector = np.full(table.device_count, np.inf)
        for position in range(count if table.use_all else 1, count + 1):
            self.cost[order[position - 1]] = self._best[position, layers]

    def _place(self, table: AdditiveProblem, position: int, begin: Vector) -> None:
        """Give the phone at a position, from 1, its spans after all that came before."""
        device = self._order[position - 1]
        hops = np.array([begin[device], *table.hop_cost[list(self._order[: position - 1]), device]])
        skipped = position - 1 if table.use_all else 0
        arrivals = self._best[skipped:position] + hops[skipped:, None]
        chosen = arrivals.argmin(axis=0)
        reached = arrivals[chosen, np.arange(table.layer_count + 1)]
        totals = reached[:, None] + table.span_cost[device]
        starts = totals.argmin(axis=0)
        self._start[position] = starts
        self._best[position] = totals[starts, np.arange(table.layer_count + 1)]
        self._previous[position] = skipped + chosen[starts]

    def spans(self, last: int) -> tuple[PhoneSpan, ...]:
        spans: list[PhoneSpan] = []
        position, end = self._order.index(last) + 1, self._start.shape[1] - 1
        while position > 0:
            first = int(self._start[position, end])
            spans.append(PhoneSpan(self._order[position - 1], first, end))
            position, end = int(self._previous[position, end]), first
        return tuple(reversed(spans))
