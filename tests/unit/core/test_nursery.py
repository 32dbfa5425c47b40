"""A nursery: tasks have owners and names, fail alone and aloud, and end together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from app.core.errors import PhoneLostError
from app.core.nursery import FIRST_RETRY_S, Nursery, TaskFailure
from app.testing.clocks import SkippingClock


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the clock is what is tested
            await asyncio.sleep(0)


async def test_what_one_task_raises_reaches_its_awaiter_and_nobody_else() -> None:
    told: list[TaskFailure] = []
    nursery = Nursery(SkippingClock(), told.append)
    go_on = asyncio.Event()

    async def fail() -> None:
        raise ValueError("mine")

    neighbour = nursery.start(go_on.wait(), "neighbour")
    with pytest.raises(ValueError, match="mine"):
        await nursery.start(fail(), "failing")
    go_on.set()
    assert await neighbour
    assert told == []
    await nursery.close()


async def test_a_failure_that_nobody_awaits_is_told_with_its_name() -> None:
    told: list[TaskFailure] = []
    nursery = Nursery(SkippingClock(), told.append)

    async def fail() -> None:
        raise ValueError("unheard")

    await nursery.start_soon(fail(), "greeting")
    assert [(each.name, str(each.error), each.retry_s) for each in told] == [
        ("greeting", "unheard", None)
    ]


async def test_a_watch_survives_its_surprises_and_tries_again_ever_later() -> None:
    told: list[TaskFailure] = []
    clock = SkippingClock()
    nursery = Nursery(clock, told.append)
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks <= 3:
            raise ZeroDivisionError

    nursery.watch(look, "watch", interval_s=0.1)
    await until(lambda: looks >= 5)
    await nursery.close()
    assert [each.retry_s for each in told] == [
        FIRST_RETRY_S,
        2 * FIRST_RETRY_S,
        4 * FIRST_RETRY_S,
    ]
    assert clock.slept_s[:4] == [FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S, 0.1]


async def test_an_expected_failure_of_a_watch_changes_no_interval_and_is_not_told() -> None:
    told: list[TaskFailure] = []
    clock = SkippingClock()
    nursery = Nursery(clock, told.append)

    async def look() -> None:
        raise PhoneLostError("A phone is away.")

    nursery.watch(look, "watch", interval_s=0.25)
    await until(lambda: len(clock.slept_s) >= 3)
    await nursery.close()
    assert told == []
    assert set(clock.slept_s) == {0.25}


async def test_closing_ends_every_task_also_those_of_children() -> None:
    nursery = Nursery(SkippingClock())
    forever = asyncio.Event()
    tasks = [
        nursery.start(forever.wait(), "own"),
        nursery.child().start(forever.wait(), "of a child"),
        nursery.child().child().start(forever.wait(), "of its child"),
    ]
    assert nursery.names == ("of a child", "of its child", "own")
    await nursery.close()
    assert all(task.cancelled() for task in tasks)
    assert not nursery.names


async def test_a_child_closes_alone() -> None:
    nursery = Nursery(SkippingClock())
    forever = asyncio.Event()
    own, child = nursery.start(forever.wait(), "own"), nursery.child()
    task = child.start(forever.wait(), "of a child")
    await child.close()
    assert task.cancelled()
    assert not own.done()
    await nursery.close()


async def test_a_closed_nursery_begins_nothing() -> None:
    nursery = Nursery(SkippingClock())
    child = nursery.child()
    await nursery.close()
    begun: list[str] = []

    async def begin(name: str) -> None:
        begun.append(name)

    late = [
        nursery.start_soon(begin("late"), "late"),
        child.start_soon(begin("late child"), "late child"),
    ]
    await asyncio.wait(late)
    assert begun == []
    assert all(task.cancelled() for task in late)


async def test_a_task_may_close_the_nursery_that_owns_it() -> None:
    nursery = Nursery(SkippingClock())
    neighbour = nursery.start(asyncio.Event().wait(), "neighbour")
    await nursery.start(nursery.close(), "closing")
    assert neighbour.cancelled()


async def test_failures_in_a_row_are_counted_and_a_success_begins_anew() -> None:
    told: list[TaskFailure] = []
    nursery = Nursery(SkippingClock(), told.append)
    looks = iter([True, True, False, True])

    def look() -> None:
        if next(looks, False):
            raise ZeroDivisionError

    nursery.watch(look, "watch", interval_s=0.1)
    await until(lambda: len(told) >= 3)
    await nursery.close()
    assert [each.in_a_row for each in told] == [1, 2, 1]


async def test_a_task_that_somebody_else_began_ends_with_those_that_own_it() -> None:
    nursery = Nursery(SkippingClock())

    async def wait() -> None:
        with nursery.adopted():
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await until(lambda: nursery.task_count == 1)
    await nursery.close()
    assert task.cancelled()


async def test_a_task_is_owned_no_longer_than_it_asks_for() -> None:
    nursery = Nursery(SkippingClock())

    async def pass_by() -> str:
        with nursery.adopted():
            await asyncio.sleep(0)
        await nursery.close()
        return "went on"

    assert await asyncio.create_task(pass_by()) == "went on"


async def test_nobody_begins_to_be_owned_by_a_closed_nursery() -> None:
    nursery = Nursery(SkippingClock())
    await nursery.close()

    async def wait() -> None:
        with nursery.adopted():
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.wait([task])
    assert task.cancelled()


async def test_closing_waits_only_so_long_for_a_task_that_does_not_end() -> None:
    nursery = Nursery(SkippingClock())
    go_on = asyncio.Event()

    async def stay() -> None:
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue

    task = nursery.start(stay(), "stubborn")
    await asyncio.sleep(0)
    await nursery.close(timeout_s=0.01)
    assert not task.done()
    go_on.set()
    await task
