"""What a planner is asked, and its answers: a first one soon, a better one where there is time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from app.placement.budget import Budget
from app.placement.planner import plan, plan_repair
from app.placement.problem import Method, PlacementProblem, Plan

FIRST_ANSWER_S: Final = 0.045
"""After this long a first answer is on its way, so that it is there within a tenth of a second."""

Heard = Callable[[Plan], object]
"""Called with an answer that a better one may follow."""


@dataclass(frozen=True)
class PlannerQuestion:
    """A problem to be solved within a time; `repair` is of an assignment that broke."""

    problem: PlacementProblem
    budget_s: float = math.inf
    method: Method = Method.EXACT
    repair: bool = False
    first_s: float = math.inf
    """How long the first answer may take where it is not to be the last."""


class Planner(Protocol):
    """Somebody who plans. Blocking: whoever asks waits in a thread."""

    def answer(self, question: PlannerQuestion, heard: Heard | None = None) -> Plan:
        """Return the last answer; `heard` is called with those before. Raises like `plan`."""
        ...

    def hurry(self) -> None:
        """Have what is being searched for now answered with the best so far. Never blocks."""
        ...


def answers(question: PlannerQuestion, hurried: Callable[[], bool]) -> Iterator[tuple[Plan, bool]]:
    """Yield each answer, and whether it is the last: where it is proven no other follows.

    Searches end as soon as `hurried()`. Raises like `plan`.
    """
    problem = question.problem
    if question.repair:
        yield plan_repair(problem, Budget(question.budget_s, hurried)), True
        return
    first = Budget(min(question.first_s, question.budget_s), hurried)
    found = plan(problem, question.method, first)
    last = found.proven_optimal or hurried() or question.first_s >= question.budget_s
    yield found, last
    if not last:
        rest = Budget(question.budget_s - question.first_s, hurried)
        yield plan(problem, question.method, rest, found.assignment), True


class PlannerOnTheSpot:
    """Plans in the caller's thread, without a limit of time: the same question, the same answer."""

    def answer(self, question: PlannerQuestion, heard: Heard | None = None) -> Plan:
        """Return the best answer."""
        del heard
        if question.repair:
            return plan_repair(question.problem)
        return plan(question.problem, question.method)

    def hurry(self) -> None:
        """Do nothing: who could ask for it waits."""
