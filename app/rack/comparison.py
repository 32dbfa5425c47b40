"""The planner's answer beside others: the paper's program, its baseline, the best phone alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from app.core.errors import ShardloomError
from app.placement.baselines import equal_split
from app.placement.planner import plan
from app.placement.prediction import predict
from app.placement.problem import Method, PlacementProblem, Plan


@dataclass(frozen=True)
class PlanComparison:
    """One way of placing the model; `reason` says why there is no plan, else it is empty."""

    name: str
    plan: Plan | None
    reason: str
    solve_s: float


def compare_plans(problem: PlacementProblem) -> tuple[PlanComparison, ...]:
    """Place the model in every way there is. Blocking: the linear program may take 20 s."""
    return (
        _timed("exact", lambda: plan(problem)),
        _timed("LinguaLinked linear program", lambda: plan(problem, Method.LINEAR_PROGRAM)),
        _timed("equal split", lambda: _equally(problem)),
        _timed("best phone alone", lambda: _alone(problem)),
    )


def _timed(name: str, solve: Callable[[], Plan]) -> PlanComparison:
    started_s = time.monotonic()
    try:
        found, reason = solve(), ""
    except ShardloomError as error:
        return PlanComparison(name, None, str(error), time.monotonic() - started_s)
    return PlanComparison(name, found, reason, time.monotonic() - started_s)


def _equally(problem: PlacementProblem) -> Plan:
    assignment = equal_split(problem)
    prediction = predict(problem, assignment)
    return Plan(assignment, prediction, Method.MANUAL, proven_optimal=False)


def _alone(problem: PlacementProblem) -> Plan:
    baseline = plan(problem).baseline
    if baseline is None:
        raise ShardloomError("No single phone can hold the model.")
    return baseline
