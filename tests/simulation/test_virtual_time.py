"""Virtual time: waits cost nothing, keep their order, and a deadlock is told."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.nursery import Nursery
from app.testing.virtual_time import LoopClock, NothingHappensError, run_in_virtual_time


def test_a_week_passes_in_a_moment_and_by_every_clock() -> None:
    clock, week_s = LoopClock(), 7 * 86_400.0

    async def wait() -> tuple[float, int]:
        before_ms = clock.wall_ms()
        await clock.sleep(week_s)
        return clock.monotonic_s(), clock.wall_ms() - before_ms

    began_s = time.monotonic()
    elapsed_s, elapsed_ms = run_in_virtual_time(wait())
    assert elapsed_s == pytest.approx(week_s)
    assert elapsed_ms == pytest.approx(week_s * 1000, abs=1)
    assert time.monotonic() - began_s < week_s / 1000


MICROSECONDS = st.integers(0, 10**12).map(lambda count: count / 1e6)
"""Shorter waits than a clock can tell apart end together."""


@given(st.lists(MICROSECONDS, max_size=20))
def test_waits_end_in_the_order_of_their_ends(pauses_s: list[float]) -> None:
    ended: list[float] = []

    async def wait(pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        ended.append(pause_s)

    async def wait_for_all() -> None:
        await asyncio.gather(*map(wait, pauses_s))

    run_in_virtual_time(wait_for_all())
    assert ended == sorted(pauses_s)


def test_a_timeout_ends_a_wait_at_its_virtual_moment() -> None:
    clock = LoopClock()

    async def wait() -> float:
        with pytest.raises(TimeoutError):
            async with clock.timeout(30):
                await asyncio.Event().wait()
        return clock.monotonic_s()

    assert run_in_virtual_time(wait()) == pytest.approx(30)


def test_a_watch_of_a_nursery_looks_as_often_as_it_would() -> None:
    clock = LoopClock()

    async def watch() -> int:
        looks = 0

        def look() -> None:
            nonlocal looks
            looks += 1

        nursery = Nursery(clock)
        nursery.watch(look, "watch", interval_s=0.5)
        await clock.sleep(60.25)
        await nursery.close()
        return looks

    assert run_in_virtual_time(watch()) == 121


def test_waiting_for_what_can_never_come_is_told_instead_of_hanging() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingHappensError):
        run_in_virtual_time(wait())
