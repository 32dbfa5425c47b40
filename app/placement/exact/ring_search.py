"""The cheapest ring where the way back costs what its two ends, the last phone and the first, make.

A search along the ring knows the last phone but not the first. It is therefore run on a floor that
charges each end by itself and never more than the pair. What the pair really costs is looked at
where the floor leaves hope: again along the ring, for one last phone at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.placement.costs.spans import Arrangement, Matrix, PhoneSpan

NEGLIGIBLE = 1e-12
"""Relative; two sums of the same figures differ by less."""

Vector = npt.NDArray[np.float64]


class Ends(Protocol):
    """The cheapest arrangements by their last phone, the way back left aside."""

    @property
    def cost(self) -> Vector:
        """What they cost, infinite where none ends on a phone."""

    def spans(self, last: int) -> tuple[PhoneSpan, ...]:
        """Return the one that ends on a phone, for which there is one."""


def end_floors(back_cost: Matrix) -> tuple[Vector, Vector]:
    """Return what to charge a first and a last phone, which is never more than the pair costs."""
    begin = back_cost.min(axis=0)
    return begin, (back_cost - begin).min(axis=1)


def cheapest_ring(
    back_cost: Matrix, search: Callable[[Vector], Ends], *, proven: bool
) -> Arrangement | None:
    """Return the cheapest arrangement, None where none is allowed.

    `search` takes what it costs to begin on each phone. `proven` is whether it finds the cheapest
    of all arrangements.
    """
    begin, end = end_floors(back_cost)
    floor = search(begin)
    bounds = floor.cost + end
    best: Arrangement | None = None
    for last in map(int, np.argsort(bounds, kind="stable")):
        if not np.isfinite(bounds[last]) or (best is not None and bounds[last] >= best.cost):
            break
        cost, spans = float(bounds[last]), floor.spans(last)
        first = spans[0].device
        if back_cost[last, first] - begin[first] - end[last] > NEGLIGIBLE * abs(cost):
            ends = search(back_cost[last])
            cost, spans = float(ends.cost[last]), ends.spans(last)
        if best is None or cost < best.cost:
            best = Arrangement(cost, spans, proven)
    return best
