"""The planner's front door: a problem in, a plan with its prediction and baseline out."""

from __future__ import annotations

from app.core.assignment import Assignment, StageAssignment
from app.core.errors import BadInputError
from app.placement.additive import cheapest
from app.placement.baselines import best_single_phone
from app.placement.costs import CostModel
from app.placement.linear_program import linear_program
from app.placement.order_search import cheapest_in_order
from app.placement.prediction import Predictor
from app.placement.problem import Method, Objective, PlacementProblem, Plan
from app.placement.shortage import least_overflow, refusal
from app.placement.spans import Arrangement
from app.placement.throughput import best_throughput


def plan(problem: PlacementProblem, method: Method = Method.EXACT) -> Plan:
    """Return the best assignment found for the problem's objective.

    Proven optimal for up to 12 phones with `EXACT`, for what HiGHS proves in its time limit with
    `LINEAR_PROGRAM`. Raises DoesNotFitError with the missing bytes where the phones lack memory,
    BadInputError for pins, phones or a method that cannot be planned with.
    """
    if method is Method.MANUAL:
        raise BadInputError("A manual assignment is made by hand, not planned.")
    costs = CostModel(problem)
    predictor = Predictor(problem, costs)
    found = _solve(costs, method)
    assignment = _assignment(costs, found)
    return Plan(
        assignment=assignment,
        prediction=predictor.predict(assignment),
        method=method,
        proven_optimal=found.proven_optimal,
        baseline=best_single_phone(problem, predictor),
    )


def _solve(costs: CostModel, method: Method) -> Arrangement:
    if method is Method.LINEAR_PROGRAM:
        _feasible(costs)
        return linear_program(costs)
    objective = costs.problem.objective
    if objective is Objective.THROUGHPUT:
        found = best_throughput(costs)
    else:
        found = cheapest(costs.table(objective))
    return _feasible(costs) if found is None else found


def _feasible(costs: CostModel) -> Arrangement:
    """Return an arrangement that fits, or raise what is missing."""
    overflow = least_overflow(costs)
    if overflow.cost > 0:
        raise refusal(costs, overflow)
    return cheapest_in_order(costs.table(costs.problem.objective), overflow.order) or overflow


def _assignment(costs: CostModel, found: Arrangement) -> Assignment:
    stages = tuple(
        StageAssignment(costs.serials[span.device], span.first, span.end - 1)
        for span in found.spans
    )
    return Assignment(costs.problem.model.name, costs.layer_count, stages)
