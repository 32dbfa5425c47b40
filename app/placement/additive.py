"""Cheapest arrangement of an additive table: exact for small racks, annealed beyond."""

from __future__ import annotations

import math

from app.placement.annealing import OrderSpace, anneal
from app.placement.estimate import FillEstimate
from app.placement.order_search import cheapest_in_order
from app.placement.spans import Arrangement, SpanTable
from app.placement.subset_search import MAX_DEVICES, cheapest_by_subsets

ESTIMATED_STEPS = 4000
"""Annealing steps on the estimate: about 80 ms on a laptop."""

EXACT_STEPS = 120
"""Annealing steps where each is an exact fixed-order search of about 1 ms."""


def cheapest(table: SpanTable, kept: tuple[int, ...] = ()) -> Arrangement | None:
    """Return the cheapest arrangement found, None where none was found.

    Up to `MAX_DEVICES` phones the answer is proven, None included. `kept` are the pinned phones in
    the order of their layers.
    """
    if table.device_count <= MAX_DEVICES:
        return cheapest_by_subsets(table)
    return cheapest_annealed(table, kept)


def cheapest_annealed(table: SpanTable, kept: tuple[int, ...] = ()) -> Arrangement | None:
    """Anneal ring orders on the quick estimate and finish the best one exactly."""
    estimate = FillEstimate(table)
    space = OrderSpace(table.device_count, kept, table.use_all)
    start = _with_kept(estimate.start(table.use_all), kept)
    return cheapest_in_order(table, anneal(space, start, estimate.cost, ESTIMATED_STEPS))


def cheapest_by_orders(table: SpanTable, kept: tuple[int, ...]) -> Arrangement | None:
    """Return what annealing finds when every step is an exact fixed-order search.

    For tables on which the estimate misleads: few steps, but each sees pins and unequal layers.
    """
    space = OrderSpace(table.device_count, kept, use_all=True)

    def cost(order: list[int]) -> float:
        found = cheapest_in_order(table, order)
        return math.inf if found is None else found.cost

    start = [device for device in range(table.device_count) if device not in kept]
    return cheapest_in_order(table, anneal(space, [*kept, *start], cost, EXACT_STEPS))


def _with_kept(order: list[int], kept: tuple[int, ...]) -> list[int]:
    return order + [device for device in kept if device not in order]
