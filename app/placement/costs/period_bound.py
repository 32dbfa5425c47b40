"""How short the slowest stage can be at best: a bound that takes microseconds, not a search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.placement.costs.costs import CostModel

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
    compute_s, allowed = costs.compute_s, costs.allowed
    capacities = _Capacities(
        np.stack([_least_of_length(costs, n) for n in range(1, costs.layer_count + 1)], axis=1),
        np.where(allowed[:, 0, 1:], compute_s[:, 0, 1:], np.inf),
        np.where(allowed[:, -2::-1, -1], compute_s[:, -2::-1, -1], np.inf),
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


def _least_of_length(costs: CostModel, layers: int) -> Periods:
    """Return the least time `[devices]` that a span of so many layers takes somewhere."""
    allowed = np.diagonal(costs.allowed, layers, 1, 2)
    if not allowed.any():
        return np.full(costs.device_count, np.inf)
    least: Periods = np.where(allowed, np.diagonal(costs.compute_s, layers, 1, 2), np.inf).min(1)
    return least


def _most_layers(times: Periods, period_s: float) -> npt.NDArray[np.intp]:
    """Return the longest span each phone can do within a period, 0 where none."""
    within = times <= period_s
    longest: npt.NDArray[np.intp] = np.where(
        within.any(axis=1), times.shape[1] - within[:, ::-1].argmax(axis=1), 0
    )
    return longest
