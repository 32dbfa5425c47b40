"""The planning process itself: its answers, deaths and haste, and that none is left behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.benchmarks.racks.random_rack import random_rack
from app.core.clock import SystemClock
from app.core.errors import DoesNotFitError, ShardloomError
from app.placement.asking import starting
from app.placement.asking.planner_process import PlannerProcess
from app.placement.asking.question import PlannerQuestion
from app.placement.costs.footprint import RUNTIME_BYTES
from app.placement.planner import plan, plan_repair
from app.placement.problem import PlacementProblem, Plan
from tests.saying import raises_saying

WAIT_S = 60.0


@pytest.fixture
def planner() -> Iterator[PlannerProcess]:
    process = PlannerProcess(SystemClock())
    yield process
    process.close()


@pytest.fixture(scope="module")
def small() -> PlacementProblem:
    return random_rack(12, 5, 4)


def test_it_answers_as_the_planner_itself_would(
    planner: PlannerProcess, small: PlacementProblem
) -> None:
    assert planner.answer(PlannerQuestion(small)) == plan(small)
    assert planner.answer(PlannerQuestion(small, repair=True)) == plan_repair(small)


def test_what_does_not_fit_is_refused_to_the_byte(
    planner: PlannerProcess, small: PlacementProblem
) -> None:
    tight = replace(
        small,
        devices=tuple(
            replace(device, memory_budget_bytes=RUNTIME_BYTES + 12_000_000)
            for device in small.devices
        ),
    )
    with pytest.raises(DoesNotFitError) as here:
        plan(tight)
    with pytest.raises(DoesNotFitError) as there:
        planner.answer(PlannerQuestion(tight))
    assert there.value.fact == here.value.fact
    assert there.value.missing_bytes == here.value.missing_bytes > 0


def test_a_first_answer_comes_before_the_last_and_is_no_better(planner: PlannerProcess) -> None:
    problem = random_rack(96, 64, 16)
    heard: list[Plan] = []
    last = planner.answer(PlannerQuestion(problem, 1.0, first_s=0.05), heard.append)
    (first,) = heard
    assert first.prediction.fits
    rates = [one.prediction.streams_tokens_per_second for one in (first, last)]
    assert rates[0] <= rates[1] * (1 + 1e-9)


def test_a_process_that_was_killed_is_begun_again(
    planner: PlannerProcess, small: PlacementProblem
) -> None:
    planner.warm_up()
    before = planner.process_id
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert planner.answer(PlannerQuestion(small)).prediction.fits
    assert planner.process_id != before


def test_one_that_dies_each_time_is_told_of(
    planner: PlannerProcess, small: PlacementProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "__package__", "tests.no_such_module")
    with raises_saying(ShardloomError, match="The planner ended 2 times without an answer"):
        planner.answer(PlannerQuestion(small))


def test_haste_ends_a_search_with_the_best_so_far(planner: PlannerProcess) -> None:
    problem = random_rack(96, 64, 16)
    started = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        question = PlannerQuestion(problem, WAIT_S * 100, first_s=0.05)
        asked = thread.submit(planner.answer, question, lambda _: started.set())
        assert started.wait(WAIT_S)
        planner.hurry()
        found = asked.result(WAIT_S)
    assert found.prediction.fits
    assert not found.proven_optimal


def test_closing_ends_the_process_and_tells_who_waits(planner: PlannerProcess) -> None:
    problem = random_rack(96, 64, 16)
    started = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        question = PlannerQuestion(problem, WAIT_S * 100, first_s=0.05)
        asked = thread.submit(planner.answer, question, lambda _: started.set())
        assert started.wait(WAIT_S)
        number = planner.process_id
        assert number is not None
        planner.close()
        with pytest.raises(ShardloomError):
            asked.result(WAIT_S)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_more_than_a_few_questions_do_not_wait(
    planner: PlannerProcess, small: PlacementProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "_waiting", threading.BoundedSemaphore(1))
    planner._waiting.acquire()
    with raises_saying(ShardloomError, match="16 questions wait for the planner already"):
        planner.answer(PlannerQuestion(small))
