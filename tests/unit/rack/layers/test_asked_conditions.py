"""Which conditions are in force after plans that were asked for at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import permutations, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.errors import DoesNotFitError
from app.placement.asking.question import PlannerOnTheSpot
from app.placement.conditions import Conditions
from app.placement.problem import Objective
from app.rack.layers.assigner import Assigner
from app.rack.layers.problems import Proposal
from app.rack.options import RackOptions
from tests.unit.rack.support import a_context

BEFORE, FIRST, SECOND = (Conditions(least_reputation=least) for least in (0.1, 0.2, 0.3))
ENDS = ("found", "not found", "given up")
FOUND = cast(Proposal, object())


@dataclass
class Search:
    """One question to the planner, answered when the test says so."""

    asked: Conditions
    heard: Callable[[Proposal], object]
    answer: asyncio.Future[Proposal] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Bench:
    """An assigner whose planner waits for the test; what it adopts is noted with its conditions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        context = a_context()
        nothing = cast(Any, SimpleNamespace())
        options = RackOptions(Path(), conditions=BEFORE)
        self.assigner = Assigner(
            context,
            nothing,
            nothing,
            nothing,
            options,
            context.pool,
            PlannerOnTheSpot(),
            use_all=False,
        )
        self.searches: list[Search] = []
        self.adopted_under: list[Conditions] = []
        monkeypatch.setattr(self.assigner.problems, "plan", self._plan)
        monkeypatch.setattr(
            self.assigner, "adopt", lambda _made: self.adopted_under.append(self.in_force)
        )

    @property
    def in_force(self) -> Conditions:
        return self.assigner.problems.conditions

    async def _plan(
        self, _objective: object, _pins: object, heard: Callable[[Proposal], object]
    ) -> Proposal:
        search = Search(self.in_force, heard)
        self.searches.append(search)
        return await search.answer

    async def ask(self, conditions: Conditions | None) -> asyncio.Task[None]:
        task = asyncio.create_task(self.assigner.replan(Objective.THROUGHPUT, (), conditions))
        await asyncio.sleep(0)
        return task


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


async def end(task: asyncio.Task[None], search: Search, how: str) -> None:
    if how == "found":
        search.answer.set_result(FOUND)
    elif how == "not found":
        search.answer.set_exception(DoesNotFitError("layers.no_model"))
    else:
        task.cancel()
    with suppress(DoesNotFitError, asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("ends", "order"), [*product(product(ENDS, ENDS), permutations((0, 1)))])
async def test_the_newest_conditions_that_a_plan_was_found_for_are_in_force_whatever_ends_first(
    bench: Bench, ends: tuple[str, str], order: tuple[int, int]
) -> None:
    tasks = [await bench.ask(FIRST), await bench.ask(SECOND)]
    assert [search.asked for search in bench.searches] == [FIRST, SECOND]
    for number in order:
        await end(tasks[number], bench.searches[number], ends[number])
    found = [each for each, how in zip((FIRST, SECOND), ends, strict=True) if how == "found"]
    assert bench.in_force == [BEFORE, *found][-1]
    assert bench.adopted_under == [SECOND] * (ends[1] == "found")


async def test_a_plan_without_conditions_of_its_own_keeps_those_that_are_just_tried(
    bench: Bench,
) -> None:
    first = await bench.ask(FIRST)
    other = await bench.ask(None)
    assert bench.searches[1].asked == FIRST
    await end(first, bench.searches[0], "found")
    await end(other, bench.searches[1], "found")
    assert (bench.in_force, bench.adopted_under) == (FIRST, [FIRST])


async def test_conditions_of_a_first_answer_stay_in_force_where_a_better_one_is_given_up(
    bench: Bench,
) -> None:
    task = await bench.ask(FIRST)
    bench.searches[0].heard(FOUND)
    await end(task, bench.searches[0], "given up")
    assert (bench.in_force, bench.adopted_under) == (FIRST, [FIRST])


async def test_an_answer_to_what_was_given_up_is_not_adopted(bench: Bench) -> None:
    task = await bench.ask(FIRST)
    await end(task, bench.searches[0], "given up")
    bench.searches[0].heard(FOUND)
    assert (bench.in_force, bench.adopted_under) == (BEFORE, [])
