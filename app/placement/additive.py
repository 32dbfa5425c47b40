"""Cheapest arrangement of an additive table: exact for small racks, annealed beyond."""

from __future__ import annotations

import math

from app.placement.annealing import OrderSpace, anneal
from app.placement.estimate import FillEstimate
from app.placement.order_search import cheapest_in_order
from app.placement.spans import Arrangement, SpanTable
from app.placement.subset_search import MAX_DEVICES, cheapest_by_subsets

ESTIMATED_STEPS = 8000
"""Annealing steps on the estimate: 40 ms for 48 layers on 16 phones, 130 ms for 96 on 32."""

EXACT_STEPS = 120
"""Annealing steps where each is an exact fixed-order search of about 1 ms."""


def cheapest(table: SpanTable) -> Arrangement | None:
    """Return the cheapest arrangement found, None where none was found.

    Up to `MAX_DEVICES` phones the answer is proven, None included.
    """
    if table.device_count <= MAX_DEVICES:
        return cheapest_by_subsets(table)
    annealed = cheapest_annealed(table)
    if not table.pinned:
        return annealed
    return cheaper(annealed, cheapest_by_orders(table))


def cheapest_annealed(table: SpanTable) -> Arrangement | None:
    """Anneal ring orders on the quick estimate, which is blind to pins; finish the best exactly."""
    estimate = FillEstimate(table)
    space = OrderSpace(table.device_count, table.pinned, table.use_all)
    order = estimate.start(table.use_all)
    order += [device for device in table.pinned if device not in order]
    return cheapest_in_order(table, anneal(space, order, estimate.cost, ESTIMATED_STEPS))


def cheapest_by_orders(table: SpanTable, steps: int = EXACT_STEPS) -> Arrangement | None:
    """Anneal orders of all phones from `table.start`, each step an exact fixed-order search.

    For tables on which the estimate misleads: few steps, but each sees pins and unequal layers.
    """
    space = OrderSpace(table.device_count, table.pinned, use_all=True)

    def cost(order: list[int]) -> float:
        found = cheapest_in_order(table, order)
        return math.inf if found is None else found.cost

    return cheapest_in_order(table, anneal(space, table.start, cost, steps))


def cheaper(one: Arrangement | None, other: Arrangement | None) -> Arrangement | None:
    """Return the cheaper of two arrangements, None where there is neither."""
    found = [arrangement for arrangement in (one, other) if arrangement is not None]
    return min(found, key=lambda arrangement: arrangement.cost, default=None)
