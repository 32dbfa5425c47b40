"""Least time per token of the whole pipeline with many requests in flight.

That period is the slowest stage's compute or the airtime of all hops, whichever is longer: hop
latency overlaps with compute, but one medium carries every hop. The period is bisected; for each
limit the arrangement is the one with the lowest latency among those whose stages keep to it.
Where airtime decides, the stages are evened out as far as the period allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.placement.additive import cheapest
from app.placement.costs import CostModel
from app.placement.problem import Objective
from app.placement.spans import Arrangement

Periods = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Capacities:
    """Shortest stage time `[devices, layers]` for a span of 1, 2, ... layers.

    `anywhere` in the model, at its `start`, or at its `end`; infinite where none is allowed.
    """

    anywhere: Periods
    start: Periods
    end: Periods
    use_all: bool

    def suffice(self, period_s: float) -> bool:
        """Whether enough layers find room within a period; necessary for any arrangement.

        Also sufficient where the layers between first and last are alike and nothing is pinned.
        """
        room, first, last = (
            _most_layers(times, period_s) for times in (self.anywhere, self.start, self.end)
        )
        layers = self.anywhere.shape[1]
        if self.use_all and not room.all():
            return False
        if (first == layers).any() and not (self.use_all and room.size > 1):
            return True
        gain_first = np.where(first > 0, first - room, -np.inf)
        gain_last = np.where(last > 0, last - room, -np.inf)
        ends = gain_first[:, None] + gain_last[None, :]
        np.fill_diagonal(ends, -np.inf)
        return bool(room.sum() + ends.max() >= layers)


def least_period_bound(costs: CostModel) -> float:
    """Return a period in seconds that no arrangement can go below; infinite where none exists."""
    compute_s = np.where(costs.allowed, costs.compute_s, np.inf)
    lengths = range(1, costs.layer_count + 1)
    capacities = _Capacities(
        np.stack([np.diagonal(compute_s, n, 1, 2).min(axis=1) for n in lengths], axis=1),
        compute_s[:, 0, 1:],
        compute_s[:, -2::-1, -1],
        costs.problem.use_all,
    )
    periods = np.unique(np.concatenate((capacities.anywhere, capacities.start, capacities.end)))
    finite = periods[np.isfinite(periods)]
    low, high = 0, len(finite)
    while low < high:
        middle = (low + high) // 2
        if capacities.suffice(float(finite[middle])):
            high = middle
        else:
            low = middle + 1
    return float(finite[low]) if low < len(finite) else float("inf")


def best_throughput(costs: CostModel) -> Arrangement | None:
    """Return the arrangement of the least period; its cost is that period in seconds.

    Proven for up to 12 phones, and beyond where it meets `least_period_bound`. None where nothing
    that fits was found.
    """
    bound_s = least_period_bound(costs)
    if not np.isfinite(bound_s):
        return None
    best = _within(costs, bound_s)
    if best is None or best.cost > bound_s:
        best = _bisected(costs, bound_s)
    if best is None:
        return None
    best = replace(best, proven_optimal=best.proven_optimal or best.cost <= bound_s)
    return _levelled(costs, best)


def _bisected(costs: CostModel, bound_s: float) -> Arrangement | None:
    """Find the first limit whose arrangement keeps to it; the limit below may still be better.

    There the hops' airtime exceeds the limit, and it falls as the limit rises.
    """
    limits = np.unique(costs.compute_s[costs.allowed])
    limits = limits[limits >= bound_s]
    low, high = 0, len(limits) - 1
    best: Arrangement | None = None
    while low <= high:
        middle = (low + high) // 2
        found = _within(costs, float(limits[middle]))
        if found is not None and (best is None or found.cost < best.cost):
            best = found
        if found is not None and found.cost <= limits[middle]:
            high = middle - 1
        else:
            low = middle + 1
    return best


def _levelled(costs: CostModel, best: Arrangement) -> Arrangement:
    """Even out the stages where the hops' airtime, and not a stage, decides the period."""
    limits = np.unique(costs.compute_s[costs.allowed])
    limits = limits[limits < _slowest_s(costs, best)]
    low, high = 0, len(limits) - 1
    while low <= high:
        middle = (low + high) // 2
        found = _within(costs, float(limits[middle]))
        if found is not None and found.cost <= best.cost:
            best = replace(found, cost=best.cost, proven_optimal=best.proven_optimal)
            high = middle - 1
        else:
            low = middle + 1
    return best


def _within(costs: CostModel, limit_s: float) -> Arrangement | None:
    """Return an arrangement whose stages keep to a limit, costed by its period."""
    allowed = costs.compute_s <= limit_s
    quick = cheapest(costs.table(Objective.LATENCY).only(allowed))
    if quick is None:
        return None
    quick = replace(quick, cost=_period_s(costs, quick))
    if quick.cost <= limit_s:
        return quick
    sparing = cheapest(costs.table(Objective.THROUGHPUT).only(allowed))
    if sparing is None:
        return quick
    return min(quick, replace(sparing, cost=_period_s(costs, sparing)), key=lambda one: one.cost)


def _period_s(costs: CostModel, found: Arrangement) -> float:
    return max(costs.rings.airtime_s.of(found.order), _slowest_s(costs, found))


def _slowest_s(costs: CostModel, found: Arrangement) -> float:
    return max(float(costs.compute_s[span]) for span in found.spans)


def _most_layers(times: Periods, period_s: float) -> npt.NDArray[np.intp]:
    """Return the longest span each phone can do within a period, 0 where none."""
    within = times <= period_s
    longest: npt.NDArray[np.intp] = np.where(
        within.any(axis=1), times.shape[1] - within[:, ::-1].argmax(axis=1), 0
    )
    return longest
