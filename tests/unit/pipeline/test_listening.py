"""Silence is counted while this computer listens; its own standstill is nobody's silence."""

from __future__ import annotations

import asyncio

import pytest

from app.pipeline.listening import LONGEST_LOOK_S, Silence, answered
from app.testing.clocks import ManualClock


def test_silence_is_the_time_between_looks_and_ends_when_something_is_heard() -> None:
    clock = ManualClock()
    silence = Silence(clock)
    for _ in range(4):
        clock.advance(0.25)
        silence.look()
    assert silence.seconds == 1.0
    silence.end()
    clock.advance(0.25)
    assert silence.look() == 0.25


def test_a_standstill_of_this_computer_counts_as_one_look() -> None:
    clock = ManualClock()
    silence = Silence(clock)
    clock.advance(3600)
    assert silence.look() == LONGEST_LOOK_S


async def test_an_answer_that_came_during_a_standstill_is_heard() -> None:
    clock = ManualClock()
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(answered(answer, 3.0, clock))
    await asyncio.sleep(0)
    clock.advance(3600)
    answer.set_result("here")
    assert await waiting == "here"


async def test_nobody_answers_a_clock_that_goes_on() -> None:
    clock = ManualClock()
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(answered(answer, 2 * LONGEST_LOOK_S, clock))
    while not waiting.done():
        clock.advance(LONGEST_LOOK_S)
        await asyncio.sleep(0.01)
    with pytest.raises(TimeoutError):
        await waiting


async def test_an_answer_that_is_an_error_is_raised() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    answer.set_exception(KeyError("x"))
    with pytest.raises(KeyError):
        await answered(answer, 1.0, ManualClock())
