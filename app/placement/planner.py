"""The planner's front door: a problem in, a plan with its prediction and baseline out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from app.core.assignment import Assignment
from app.core.errors import BadInputError, DoesNotFitError
from app.placement.baselines import best_single_phone, score
from app.placement.budget import ENDLESS, Budget, BudgetSpentError
from app.placement.buying import cheapest_ring, is_quick_enough
from app.placement.conditions import UNCONDITIONAL
from app.placement.conflicts import smallest_conflict
from app.placement.costs.costs import CostModel
from app.placement.costs.spans import Arrangement
from app.placement.exact.additive import cheapest
from app.placement.exact.order_search import cheapest_in_order
from app.placement.exact.subset_search import MAX_DEVICES
from app.placement.prediction import Predictor
from app.placement.problem import Method, Objective, PlacementProblem, Plan
from app.placement.shortage import least_overflow, refusal
from app.placement.simple_plans import simple_arrangements
from app.placement.throughput import ThroughputSearch

DOUBLING_S = 10.0
"""A repair returns so much later only for tokens at half the cost."""

SHORTENING = 0.7
"""From one limit on the return to the next."""

NEGLIGIBLE_RETURN_S = 0.1
"""Weights that are pushed within this are not worth weighing."""


def plan(
    problem: PlacementProblem,
    method: Method = Method.EXACT,
    budget: Budget = ENDLESS,
    known: Assignment | None = None,
) -> Plan:
    """Return the best assignment found for the problem's objective, never worse than `known`.

    With `EXACT` it is never worse than a phone alone or an equal split that the problem permits,
    and proven optimal for up to 12 phones unless the budget ends the search; with `LINEAR_PROGRAM`
    for what HiGHS proves in its own time limit. Raises DoesNotFitError with the missing bytes where
    the phones lack memory, BadInputError for pins, phones or a method that nothing is planned with.
    """
    if method is Method.MANUAL:
        raise BadInputError("placement.manual_not_planned")
    if method is Method.LINEAR_PROGRAM and problem.model.two_chains:
        raise BadInputError("placement.one_chain_only")
    if method is Method.LINEAR_PROGRAM and problem.objective is Objective.PRICE:
        raise BadInputError("placement.price_by_search_only")
    with _conflicts_named(problem):
        return _plan(problem.admitted(), method, budget, known)


def _plan(
    problem: PlacementProblem, method: Method, budget: Budget, known: Assignment | None
) -> Plan:
    costs = CostModel(problem)
    begun = () if known is None else (costs.arrangement_of(known),)
    found = _solve(costs, method, budget, begun)
    return _planned(costs, found, method)


def plan_repair(problem: PlacementProblem, budget: Budget = ENDLESS) -> Plan:
    """Return what to put in place of an assignment that broke, weights to be pushed weighed in.

    Of the plans found it is the one of the least cost, which counts double where the phones are
    pushed to for `DOUBLING_S` before they can begin. Proven optimal is it only where it is also the
    best in the long run. Raises like `plan`.
    """
    with _conflicts_named(problem):
        return _plan_repair(problem.admitted(), budget)


def _plan_repair(problem: PlacementProblem, budget: Budget) -> Plan:
    costs = CostModel(problem)
    predictor = Predictor(problem, costs)

    def cost(found: Arrangement) -> float:
        predicted = predictor.predict(_assignment(costs, found))
        return score(predicted, problem.objective) * (1 + costs.return_s(found) / DOUBLING_S)

    best = found = _solve(costs, Method.EXACT, budget.part(0.5))
    while costs.return_s(found) > NEGLIGIBLE_RETURN_S and not budget.spent:
        quicker = _search(costs.pushing_within(costs.return_s(found) * SHORTENING), budget)
        if quicker is None:
            break
        found = quicker
        best = min(best, replace(found, proven_optimal=False), key=cost)
    return _planned(costs, best, Method.EXACT)


@contextmanager
def _conflicts_named(problem: PlacementProblem) -> Iterator[None]:
    """Say which of the things asked conflict, where it is not memory alone that lacks."""
    try:
        yield
    except (DoesNotFitError, BadInputError) as refusal:
        if problem.conditions == UNCONDITIONAL and refusal.fact.code != "pin.unkept":
            raise
        conflict = smallest_conflict(problem)
        if not conflict:
            raise
        model = problem.model.name
        raise DoesNotFitError("placement.conflict", model=model, wishes=conflict) from refusal


def _planned(costs: CostModel, found: Arrangement, method: Method) -> Plan:
    problem, predictor = costs.problem, Predictor(costs.problem, costs)
    assignment = _assignment(costs, found)
    return Plan(
        assignment=assignment,
        prediction=predictor.predict(assignment),
        method=method,
        proven_optimal=found.proven_optimal,
        baseline=best_single_phone(problem, predictor),
        uses_all=problem.use_all and costs.device_count > 1,
        keeps_pins=bool(problem.pins),
        keeps_conditions=problem.conditions != UNCONDITIONAL,
        too_slow=problem.objective is Objective.PRICE and not is_quick_enough(costs, found),
    )


def _solve(
    costs: CostModel, method: Method, budget: Budget, known: Sequence[Arrangement] = ()
) -> Arrangement:
    if method is Method.LINEAR_PROGRAM:
        from app.placement.linear_program import linear_program  # noqa: PLC0415 - loads solvers

        _feasible(costs)
        return linear_program(costs)
    return _search(costs, budget, known) or _feasible(costs)


def _search(
    costs: CostModel, budget: Budget, known: Sequence[Arrangement] = ()
) -> Arrangement | None:
    """Return the best that was found for the objective, None where nothing was."""
    known = (*known, *simple_arrangements(costs))
    if costs.problem.objective is Objective.PRICE:
        return cheapest_ring(costs, known, budget) or _quickest(costs, known, budget)
    if costs.problem.objective is not Objective.THROUGHPUT:
        return _cheapest(costs, budget, known)
    search = ThroughputSearch(costs, known, budget)
    with suppress(BudgetSpentError):
        search.run()
    return search.best


def _quickest(costs: CostModel, known: Sequence[Arrangement], budget: Budget) -> Arrangement | None:
    """Return what comes nearest to being as quick as is wanted: unproven, as nothing was."""
    objective = Objective.LATENCY
    if costs.problem.conditions.most_token_s is None:
        objective = Objective.THROUGHPUT
    hurried = CostModel(replace(costs.problem, objective=objective))
    found = _search(hurried, budget, known)
    return None if found is None else replace(found, proven_optimal=False)


def _cheapest(costs: CostModel, budget: Budget, known: Sequence[Arrangement]) -> Arrangement | None:
    """Return the cheapest by the objective's own table, None where nothing that fits was found."""
    table = costs.table(costs.problem.objective)
    priced = [replace(one, cost=table.cost(one.spans)) for one in known]
    best = min(priced, key=lambda one: one.cost, default=None)
    try:
        found = cheapest(table, math.inf if best is None else best.cost, budget)
    except BudgetSpentError:
        return best
    if found is None and best is not None:
        return replace(best, proven_optimal=costs.device_count <= MAX_DEVICES)
    return found


def _feasible(costs: CostModel) -> Arrangement:
    """Return an arrangement that fits, or raise what is missing."""
    overflow = least_overflow(costs)
    if overflow.cost > 0:
        raise refusal(costs, overflow)
    return cheapest_in_order(costs.table(costs.problem.objective), overflow.order) or overflow


def _assignment(costs: CostModel, found: Arrangement) -> Assignment:
    return costs.problem.assignment(
        (costs.serials[span.device], span.first, span.end) for span in found.spans
    )
