"""The planner's answer beside others: the paper's program, its baseline, the best phone alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.core.clock import Clock
from app.core.errors import ShardloomError
from app.placement.asking.question import Planner, PlannerQuestion
from app.placement.baselines import best_single_phone, equal_split, score
from app.placement.prediction import Predictor, predict
from app.placement.problem import Method, PlacementProblem, Plan
from app.rack.compared_plans import Foresight, PlanComparison, Standing, plan_standing

COMPARISON_S = 60.0
"""How long the planner searches for what is compared."""
FORESIGHT_S = 2.0
"""How long the planner searches for each model that is not here yet."""


def compare_plans(
    problem: PlacementProblem, planner: Planner, clock: Clock
) -> tuple[PlanComparison, ...]:
    """Place the model in every way there is. Blocking: the linear program may take 20 s.

    Where another way that is permitted turns out better than the planner's own answer, that answer
    becomes the same.
    """
    program = PlannerQuestion(problem, method=Method.LINEAR_PROGRAM)
    ways: dict[str, Callable[[], Plan]] = {
        "exact": lambda: planner.answer(PlannerQuestion(problem, COMPARISON_S)),
        "LinguaLinked linear program": lambda: planner.answer(program),
        "equal split": lambda: _equally(problem),
        "best phone alone": lambda: _alone(problem),
    }
    first, *others = (_compared(problem, name, solve, clock) for name, solve in ways.items())
    return (_best(problem, first, others), *others)


def foresee_plans(problems: Sequence[PlacementProblem], planner: Planner) -> tuple[Foresight, ...]:
    """Place each problem's model. Blocking, for up to `FORESIGHT_S` each."""
    return tuple(_foreseen(problem, planner) for problem in problems)


def _foreseen(problem: PlacementProblem, planner: Planner) -> Foresight:
    try:
        return Foresight(problem.model, planner.answer(PlannerQuestion(problem, FORESIGHT_S)))
    except ShardloomError as error:
        return Foresight(problem.model, None, error.fact)


def _compared(
    problem: PlacementProblem, name: str, solve: Callable[[], Plan], clock: Clock
) -> PlanComparison:
    started_s = clock.monotonic_s()
    try:
        found = solve()
    except ShardloomError as error:
        return PlanComparison(name, None, error.fact, clock.monotonic_s() - started_s)
    standing = _standing(problem, found)
    return PlanComparison(name, found, None, clock.monotonic_s() - started_s, standing)


def _standing(problem: PlacementProblem, found: Plan) -> Standing:
    serials, conditions = found.assignment.serials, problem.conditions
    if conditions.breach(serials, problem.reputations, problem.bodies) is not None:
        return Standing.BREAKS_CONDITIONS
    if problem.use_all and len(found.assignment.stages) < len(problem.admitted().devices):
        return Standing.LEAVES_PHONES_OUT
    if not all(pin.kept_by(found.assignment) for pin in problem.pins):
        return Standing.BREAKS_PINS
    return Standing.NONE if found.method is Method.MANUAL else plan_standing(found)


def _best(
    problem: PlacementProblem, own: PlanComparison, others: list[PlanComparison]
) -> PlanComparison:
    """Return the planner's answer, or the plan of another that is permitted and better."""
    if own.plan is None or own.plan.proven_optimal:
        return own
    plans = [own.plan, *(each.plan for each in others if each.permitted and each.plan)]
    best = min(plans, key=lambda one: score(one.prediction, problem.objective))
    return replace(own, plan=best, standing=plan_standing(best))


def _equally(problem: PlacementProblem) -> Plan:
    assignment = equal_split(problem)
    prediction = predict(problem, assignment)
    return Plan(assignment, prediction, Method.MANUAL, proven_optimal=False)


def _alone(problem: PlacementProblem) -> Plan:
    alone = best_single_phone(problem, Predictor(problem))
    if alone is None:
        raise ShardloomError("placement.no_phone_alone")
    return replace(alone, method=Method.MANUAL, proven_optimal=False)
