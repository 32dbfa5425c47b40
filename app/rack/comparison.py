"""The planner's answer beside others: the paper's program, its baseline, the best phone alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.core.clock import Clock
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.model import ModelManifest
from app.placement.asking.question import Planner, Question
from app.placement.baselines import best_single_phone, equal_split, score
from app.placement.prediction import Predictor, predict
from app.placement.problem import Method, PlacementProblem, Plan

COMPARISON_S = 60.0
"""How long the planner searches for what is compared."""
FORESIGHT_S = 2.0
"""How long the planner searches for each model that is not here yet."""


class Standing(StrEnum):
    """What may be said of a plan beside others; what is proven is so among plans of that kind."""

    NONE = ""
    PROVEN = "proven"
    PROVEN_OF_ALL_PHONES = "proven-of-all-phones"
    PROVEN_WITH_PINS = "proven-with-pins"
    PROVEN_OF_ALL_PHONES_WITH_PINS = "proven-of-all-phones-with-pins"
    PROVEN_WITH_CONDITIONS = "proven-with-conditions"
    NOT_PROVEN = "not-proven"
    LEAVES_PHONES_OUT = "leaves-phones-out"
    BREAKS_PINS = "breaks-pins"
    BREAKS_CONDITIONS = "breaks-conditions"


@dataclass(frozen=True)
class PlanComparison:
    """One way of placing the model; `reason` tells why there is no plan."""

    name: str
    plan: Plan | None
    reason: Fact | None
    solve_s: float
    standing: Standing = Standing.NONE

    @property
    def permitted(self) -> bool:
        """Whether it is a plan that fits and keeps all that is asked of it."""
        outside = {
            Standing.LEAVES_PHONES_OUT,
            Standing.BREAKS_PINS,
            Standing.BREAKS_CONDITIONS,
        }
        return self.plan is not None and self.plan.prediction.fits and self.standing not in outside


@dataclass(frozen=True)
class Foresight:
    """How a model that is not imported yet would be placed, or why it cannot be."""

    model: ModelManifest
    plan: Plan | None
    reason: Fact | None = None


def compare_plans(
    problem: PlacementProblem, planner: Planner, clock: Clock
) -> tuple[PlanComparison, ...]:
    """Place the model in every way there is. Blocking: the linear program may take 20 s.

    Where another way that is permitted turns out better than the planner's own answer, that answer
    becomes the same.
    """
    program = Question(problem, method=Method.LINEAR_PROGRAM)
    ways: dict[str, Callable[[], Plan]] = {
        "exact": lambda: planner.answer(Question(problem, COMPARISON_S)),
        "LinguaLinked linear program": lambda: planner.answer(program),
        "equal split": lambda: _equally(problem),
        "best phone alone": lambda: _alone(problem),
    }
    first, *others = (_compared(problem, name, solve, clock) for name, solve in ways.items())
    return (_best(problem, first, others), *others)


def foresee_plans(problems: Sequence[PlacementProblem], planner: Planner) -> tuple[Foresight, ...]:
    """Place each problem's model. Blocking, for up to `FORESIGHT_S` each."""
    return tuple(_foreseen(problem, planner) for problem in problems)


def plan_standing(made: Plan) -> Standing:
    """Return what may be said of a plan that keeps to its problem."""
    if not made.proven_optimal:
        return Standing.NOT_PROVEN
    if made.keeps_conditions:
        return Standing.PROVEN_WITH_CONDITIONS
    return {
        (False, False): Standing.PROVEN,
        (True, False): Standing.PROVEN_OF_ALL_PHONES,
        (False, True): Standing.PROVEN_WITH_PINS,
        (True, True): Standing.PROVEN_OF_ALL_PHONES_WITH_PINS,
    }[made.uses_all, made.keeps_pins]


def _foreseen(problem: PlacementProblem, planner: Planner) -> Foresight:
    try:
        return Foresight(problem.model, planner.answer(Question(problem, FORESIGHT_S)))
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
    if problem.conditions.breach(found.assignment.serials, problem.reputations) is not None:
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
