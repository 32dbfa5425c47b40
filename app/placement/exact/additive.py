"""Cheapest arrangement of an additive table: exact for small racks, by moves beyond."""

from __future__ import annotations

import math

from app.placement.budget import ENDLESS, Budget
from app.placement.costs.spans import AdditiveProblem, Arrangement
from app.placement.exact.annealing import OrderSpace, anneal
from app.placement.exact.estimate import FillEstimate
from app.placement.exact.order_search import cheapest_in_order
from app.placement.exact.ring_moves import ROUNDS, RingMoves
from app.placement.exact.subset_search import MAX_DEVICES, cheapest_by_subsets

ESTIMATED_STEPS = 8000
"""Annealing steps on the estimate: 40 ms for 48 layers on 16 phones, 120 ms for 96 on 64."""

STEPS_TIMES_PHONES = 250_000
"""Bounds the steps for more than 31 phones, where each step takes longer."""

SEARCHED = 0.6
"""Share of what is left of a time that goes into one search; the rest is for what it leads to."""

EXACT_STEPS = 120
"""Annealing steps where each is an exact fixed-order search of about 1 ms."""


def cheapest(
    table: AdditiveProblem, below: float = math.inf, budget: Budget = ENDLESS
) -> Arrangement | None:
    """Return the cheapest arrangement found that costs less than `below`, None where there is none.

    Up to `MAX_DEVICES` phones the answer is proven, None included. Raises `BudgetSpentError`.
    """
    if table.device_count <= MAX_DEVICES:
        return cheapest_by_subsets(table, below, budget)
    if table.pinned:
        found = cheapest_annealed(table, budget=budget.part(SEARCHED))
        found = cheaper(found, cheapest_by_orders(table, budget=budget))
    else:
        found = cheapest_by_moves(table, budget=budget.part(SEARCHED))
    return found if found is not None and found.cost < below else None


def cheapest_by_moves(
    table: AdditiveProblem, rounds: int = ROUNDS, budget: Budget = ENDLESS
) -> Arrangement | None:
    """Ruin and recreate rings on the quick estimate; finish the best exactly."""
    moves = RingMoves(table)
    return cheapest_in_order(table, moves.best(moves.start(), rounds, budget))


def cheapest_annealed(
    table: AdditiveProblem, steps: int = ESTIMATED_STEPS, budget: Budget = ENDLESS
) -> Arrangement | None:
    """Anneal ring orders on the quick estimate, which is blind to pins; finish the best exactly.

    For tables with pins, whose phones have to keep their order.
    """
    steps = min(steps, STEPS_TIMES_PHONES // table.device_count)
    estimate = FillEstimate(table)
    space = OrderSpace(table.device_count, table.pinned, table.use_all)
    order = estimate.start(table.use_all)
    order += [device for device in table.pinned if device not in order]
    return cheapest_in_order(table, anneal(space, order, estimate.cost, steps, budget))


def cheapest_by_orders(
    table: AdditiveProblem, steps: int = EXACT_STEPS, budget: Budget = ENDLESS
) -> Arrangement | None:
    """Anneal orders of all phones from `table.start`, each step an exact fixed-order search.

    For tables on which the estimate misleads: few steps, but each sees pins and unequal layers.
    """
    space = OrderSpace(table.device_count, table.pinned, use_all=True)

    def cost(order: list[int]) -> float:
        found = cheapest_in_order(table, order)
        return math.inf if found is None else found.cost

    return cheapest_in_order(table, anneal(space, table.start, cost, steps, budget))


def cheaper(one: Arrangement | None, other: Arrangement | None) -> Arrangement | None:
    """Return the cheaper of two arrangements, None where there is neither."""
    found = [arrangement for arrangement in (one, other) if arrangement is not None]
    return min(found, key=lambda arrangement: arrangement.cost, default=None)
