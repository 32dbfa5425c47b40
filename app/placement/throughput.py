"""Least time between two tokens of all streams together.

With K streams a token of some stream comes once the slowest stage, the airtime of all hops (one
medium carries every hop) and a K-th of the latency have passed, whichever takes longest: hops
overlap with compute, but no more than K tokens are on their way. The longer the slowest stage may
be, the less the other two need be; its limit is therefore bisected to where they meet. Where the
stages do not decide they are evened out as far as the interval allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from app.placement.budget import Budget
from app.placement.costs.costs import CostModel
from app.placement.costs.period_bound import least_period_bound
from app.placement.costs.spans import Arrangement
from app.placement.exact.order_search import cheapest_in_order
from app.placement.exact.ring_search import NEGLIGIBLE
from app.placement.exact.subset_search import MAX_DEVICES
from app.placement.exact.worst_of_sums import BestArrangement, WorstOfSums
from app.placement.filled_plans import filled_arrangements
from app.placement.problem import Objective

ANNEALED_PROBES = 6
"""Limits tried beyond 12 phones, where each is an annealing of its own."""


class ThroughputSearch:
    """Improves on the best arrangement known, whose cost is the interval in seconds."""

    def __init__(self, costs: CostModel, known: Iterable[Arrangement], budget: Budget) -> None:
        """Begin with the best of some arrangements that are allowed."""
        self._costs = costs
        self._budget = budget
        self._latency = costs.table(Objective.LATENCY, 1.0 / costs.problem.slots)
        self._airtime = costs.table(Objective.THROUGHPUT)
        self._limits = np.unique(costs.compute_s[costs.allowed])
        self._exact = costs.device_count <= MAX_DEVICES
        self._floor_s = 0.0
        self.best: Arrangement | None = None
        for one in known:
            self._offer(one)

    def run(self) -> None:
        """Search; proven for up to 12 phones, and beyond where `least_period_bound` is met.

        Raises `BudgetSpentError`; what was found until then is kept.
        """
        self._floor_s = bound_s = least_period_bound(self._costs)
        if not np.isfinite(bound_s):
            return
        if self._exact:
            self._close_in(tuple(range(self._costs.device_count)))
        else:
            below_s = np.inf if self.best is None else self.best.cost
            for one in filled_arrangements(self._costs, bound_s, below_s):
                self._offer(one)
                self._budget.check()
        proven = self._search()
        if self.best is not None:
            proven = proven or self.best.cost <= bound_s * (1 + NEGLIGIBLE)
            self.best = replace(self.best, proven_optimal=proven)
            self._even_out(self.best)

    def _search(self) -> bool:
        """Close in on the limit of the best; false where some answer stayed unproven."""
        low, high = 0, self._last_useful()
        proven, probes = self._exact, 0
        while (low := max(low, self._last_covered())) <= high and self._hopeful:
            if probes >= ANNEALED_PROBES and not self._exact:
                break
            at = (high, low, (low + high) // 2)[min(probes, 2)]
            probes += 1
            limit_s = float(self._limits[at])
            answer = self._within(limit_s)
            proven = proven and answer.proven
            if answer.found is None or answer.found.cost > limit_s:
                low = at + 1
            else:
                self._floor_s = max(self._floor_s, answer.bound)
            high = min(self._last_useful(), high if low > at else at - 1)
        return proven

    @property
    def _hopeful(self) -> bool:
        """Whether something may still be better than the best."""
        return self.best is None or self.best.cost > self._floor_s * (1 + NEGLIGIBLE)

    def _last_useful(self) -> int:
        """Return the last limit below the best; no stage of anything better takes longer."""
        if self.best is None:
            return len(self._limits) - 1
        return int(np.searchsorted(self._limits, self.best.cost * (1 - NEGLIGIBLE))) - 1

    def _last_covered(self) -> int:
        """Return the last limit no longer than the floor: lower ones gain nothing by it."""
        return max(int(np.searchsorted(self._limits, self._floor_s * (1 + NEGLIGIBLE))) - 1, 0)

    def _within(self, limit_s: float) -> BestArrangement:
        """Look for something better whose stages keep to a limit; its cost leaves them aside."""
        below = np.inf if self.best is None else self.best.cost
        allowed = self._costs.compute_s <= limit_s
        tables = self._latency, self._airtime
        answer = WorstOfSums(*tables, allowed, below, limit_s, self._budget).answer()
        if answer.found is not None:
            self._offer(answer.found)
            if not self._exact:
                self._close_in(answer.found.order)
        return answer

    def _offer(self, found: Arrangement) -> None:
        interval_s = self._interval_s(found)
        if self.best is None or interval_s < self.best.cost:
            self.best = replace(found, cost=interval_s, proven_optimal=False)

    def _interval_s(self, found: Arrangement) -> float:
        slowest_s = max(float(self._costs.compute_s[span]) for span in found.spans)
        latency_s, airtime_s = self._latency.cost(found.spans), self._airtime.cost(found.spans)
        return max(slowest_s, latency_s, airtime_s)

    def _close_in(self, order: tuple[int, ...]) -> None:
        """Bisect the limit for one order of phones, each step an exact search of its spans."""
        low, high = 0, self._last_useful()
        while low <= high:
            self._budget.check()
            middle = (low + high) // 2
            found = self._in_order(order, float(self._limits[middle]))
            if found is not None:
                self._offer(found)
            if found is not None and self._interval_s(found) <= self._limits[middle]:
                high = middle - 1
            else:
                low = middle + 1

    def _even_out(self, best: Arrangement) -> None:
        """Shorten the slowest stage as far as the order and the interval allow."""
        slowest_s = max(float(self._costs.compute_s[span]) for span in best.spans)
        low, high = 0, int(np.searchsorted(self._limits, slowest_s)) - 1
        while low <= high:
            self._budget.check()
            middle = (low + high) // 2
            found = self._in_order(best.order, float(self._limits[middle]))
            if found and self._interval_s(found) <= best.cost * (1 + NEGLIGIBLE):
                self.best = replace(best, spans=found.spans)
                high = middle - 1
            else:
                low = middle + 1

    def _in_order(self, order: tuple[int, ...], limit_s: float) -> Arrangement | None:
        allowed = self._costs.compute_s <= limit_s
        return cheapest_in_order(self._latency.only(allowed), order)
