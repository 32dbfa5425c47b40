"""The cheapest ring that is as quick as is wanted: what a rack buys by keepers' quotes.

Costs are micro-credits a token, doubt reckoned in. A latency and the airtime of all hops are sums
over the same arrangement that have to stay within limits; that no stage takes longer than the
interval between two tokens is said by which spans are allowed. Weighted means of price and latency
lead to a first ring within the limits (the Lagrangian relaxation of `exact.worst_of_sums`); branch
and bound closes the gap for up to 12 phones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from app.placement.budget import Budget, BudgetSpentError
from app.placement.costs.costs import CostModel
from app.placement.costs.spans import AdditiveProblem, Arrangement, PhoneSpan
from app.placement.exact.additive import cheapest
from app.placement.exact.branch_and_bound import cheapest_within
from app.placement.exact.subset_search import MAX_DEVICES
from app.placement.problem import Objective

TIE: Final = 1e-6
"""Of rings whose prices differ by less than that share the quickest is taken."""
MIXTURES: Final = 10
_WITHIN: Final = 1 + 1e-9
"""A limit is met by what is equal to it but for rounding."""


@dataclass(frozen=True)
class Limits:
    """What sums and stages may take at most, in seconds."""

    latency_s: float
    airtime_s: float
    stage_s: float

    @classmethod
    def of(cls, costs: CostModel) -> Limits:
        """Return what the conditions of a problem come to: K requests share a token's latency."""
        asked = costs.problem.conditions
        most = np.inf if asked.most_token_s is None else asked.most_token_s
        rate = asked.least_tokens_per_second
        interval_s = 1 / rate if rate else np.inf
        return cls(min(most, interval_s * costs.problem.slots), interval_s, interval_s)


class PriceSearch:
    """Improves on the cheapest known ring that keeps to the limits."""

    def __init__(self, costs: CostModel, known: Iterable[Arrangement], budget: Budget) -> None:
        """Begin with the cheapest of some arrangements that are allowed."""
        self._costs, self._budget = costs, budget
        self._limits = limits = Limits.of(costs)
        self._allowed: npt.NDArray[np.bool_] = costs.compute_s <= limits.stage_s * _WITHIN
        self._latency = costs.table(Objective.LATENCY).only(self._allowed)
        self._airtime = costs.table(Objective.THROUGHPUT).only(self._allowed)
        self._price = self._tied()
        self.best: Arrangement | None = None
        for one in known:
            if all(self._allowed[span] for span in one.spans):
                self._offer(one)

    def run(self) -> None:
        """Search; raises `BudgetSpentError`, what was found until then is kept."""
        found = cheapest(self._price, budget=self._budget)
        if found is None:
            return
        if self._keeps(found.spans):
            self._offer(found)
            self._prove()
            return
        self._mix()
        if self._costs.device_count <= MAX_DEVICES:
            self._close_gap()

    def _tied(self) -> AdditiveProblem:
        """Return prices with a share of the latency that decides between equal ones."""
        price = self._costs.table(Objective.PRICE).only(self._allowed)
        spans = price.span_cost[np.isfinite(price.span_cost)]
        times = self._latency.span_cost[np.isfinite(self._latency.span_cost)]
        if not spans.size or not times.max():
            return price
        dearest = float(spans.max()) or 1.0
        weight = TIE * dearest / float(times.max())
        return replace(
            price,
            span_cost=price.span_cost + weight * self._latency.span_cost,
            hop_cost=weight * self._latency.hop_cost,
            back_cost=weight * self._latency.back_cost,
        )

    def _keeps(self, spans: tuple[PhoneSpan, ...]) -> bool:
        limits = self._limits
        in_time = self._latency.cost(spans) <= limits.latency_s * _WITHIN
        return in_time and self._airtime.cost(spans) <= limits.airtime_s * _WITHIN

    def _offer(self, found: Arrangement) -> bool:
        """Take an arrangement that keeps to the limits and costs less; tell whether it keeps."""
        if not self._keeps(found.spans):
            return False
        cost = self._price.cost(found.spans)
        if self.best is None or cost < self.best.cost:
            self.best = replace(found, cost=cost, proven_optimal=False)
        return True

    def _mix(self) -> None:
        """Bisect how much a second is worth to where rings begin to keep to the limits."""
        if not self._offer_cheapest(self._latency):
            return
        low, high = 0.0, 1.0
        for _ in range(MIXTURES):
            weight = (low + high) / 2
            if self._offer_cheapest(self._latency_scaled().mixed(self._price, weight)):
                high = weight
            else:
                low = weight

    def _latency_scaled(self) -> AdditiveProblem:
        """Return latency in prices: the limit costs as much as the dearest whole model."""
        price = self._price.span_cost[:, 0, -1]
        dearest = float(price[np.isfinite(price)].max(initial=0.0)) or 1.0
        scale = dearest / self._limits.latency_s if np.isfinite(self._limits.latency_s) else 1.0
        latency = self._latency
        return replace(
            latency,
            span_cost=latency.span_cost * scale,
            hop_cost=latency.hop_cost * scale,
            back_cost=latency.back_cost * scale,
        )

    def _offer_cheapest(self, table: AdditiveProblem) -> bool:
        found = cheapest(table, budget=self._budget.part(0.5))
        return found is not None and self._offer(found)

    def _close_gap(self) -> None:
        limits = self._limits
        limited = [
            (self._latency, np.nextafter(limits.latency_s * _WITHIN, np.inf)),
            (self._airtime, np.nextafter(limits.airtime_s * _WITHIN, np.inf)),
        ]
        below = np.inf if self.best is None else self.best.cost
        better, whole = cheapest_within(self._price, limited, below, self._budget)
        if better is not None:
            self.best = replace(better, proven_optimal=whole)
        elif whole:
            self._prove()

    def _prove(self) -> None:
        if self.best is not None:
            proven = self._costs.device_count <= MAX_DEVICES
            self.best = replace(self.best, proven_optimal=proven)


def cheapest_ring(
    costs: CostModel, known: Iterable[Arrangement], budget: Budget
) -> Arrangement | None:
    """Return the cheapest ring found that keeps to the limits, None where none does."""
    search = PriceSearch(costs, known, budget)
    try:
        search.run()
    except BudgetSpentError:
        return search.best
    return search.best


def is_quick_enough(costs: CostModel, found: Arrangement) -> bool:
    """Tell whether a ring keeps to the limits."""
    limits, order = Limits.of(costs), found.order
    latency_s = costs.table(Objective.LATENCY).cost(found.spans)
    slowest_s = max(float(costs.compute_s[span]) for span in found.spans)
    return (
        latency_s <= limits.latency_s * _WITHIN
        and costs.rings.airtime_s.of(order) <= limits.airtime_s * _WITHIN
        and slowest_s <= limits.stage_s * _WITHIN
    )
