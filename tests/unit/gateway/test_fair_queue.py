"""Turns go round among keys, none is lost, and who waits too long is told so."""

from __future__ import annotations

import asyncio
from collections import Counter
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway.access import fair_queue
from app.gateway.access.fair_queue import FairQueue, Turn
from app.gateway.errors import ApiError
from app.testing.clocks import ManualClock


async def served(queue: FairQueue, wanted: list[tuple[str, int]]) -> list[str]:
    """Let everybody ask at once, end each turn before the next, and return who was served when."""
    order: list[str] = []

    async def take(key: str, weight: int) -> None:
        turn = await queue.turn(key, weight)
        order.append(key)
        await asyncio.sleep(0)
        turn.release()

    first = await queue.turn("first", 1)
    tasks = [asyncio.create_task(take(key, weight)) for key, weight in wanted]
    await asyncio.sleep(0)
    first.release()
    await asyncio.gather(*tasks)
    return order


async def test_a_key_with_one_request_does_not_wait_for_anothers_hundred() -> None:
    order = await served(FairQueue(1, ManualClock()), [*[("many", 1)] * 100, ("one", 1)])
    assert order.index("one") <= 1
    assert Counter(order) == {"many": 100, "one": 1}


async def test_a_request_for_many_answers_counts_as_many() -> None:
    order = await served(FairQueue(1, ManualClock()), [*[("heavy", 4)] * 10, *[("light", 1)] * 40])
    assert Counter(order[:10]) == {"heavy": 2, "light": 8}


async def test_nobody_saves_up_turns_by_resting() -> None:
    queue = FairQueue(1, ManualClock())
    await served(queue, [("busy", 1)] * 50)
    order = await served(queue, [*[("rested", 1)] * 50, *[("busy", 1)] * 50])
    assert abs(Counter(order[:20])["rested"] - 10) <= 1


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), max_size=40),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_whoever_leaves_no_turn_is_lost_and_none_given_twice(
    wanted: list[tuple[str, int]],
    places: int,
    chance: st.random.Random,  # type: ignore[name-defined]
) -> None:
    async def play() -> None:
        queue = FairQueue(places, ManualClock())
        tasks = [asyncio.create_task(queue.turn(*each)) for each in wanted]
        running: list[Turn] = []
        while tasks or running:
            await asyncio.sleep(0)
            running += [task.result() for task in tasks if task.done() and not task.cancelled()]
            tasks = [task for task in tasks if not task.done()]
            assert queue.running == sum(turn.weight for turn in running)
            assert sum(turn.weight for turn in running[:-1]) < places + 3
            if tasks and chance.random() < 0.3:
                chance.choice(tasks).cancel()
            elif running:
                running.pop(chance.randrange(len(running))).release()
        assert (queue.running, queue.waiting) == (0, 0)

    asyncio.run(play())


async def test_a_full_queue_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "MOST_WAITING_EACH", 2)
    monkeypatch.setattr(fair_queue, "MOST_WAITING", 3)
    queue = FairQueue(1, ManualClock())
    first = await queue.turn("a")
    waiting = [asyncio.create_task(queue.turn(key)) for key in ("a", "a", "b")]
    await asyncio.sleep(0)
    for key in ("a", "b"):  # its own line is full; all lines together are
        with pytest.raises(ApiError) as caught:
            await queue.turn(key)
        assert caught.value.status is HTTPStatus.TOO_MANY_REQUESTS
        assert caught.value.retry_after_s is not None
        assert 1 <= caught.value.retry_after_s <= 120
    first.release()
    for served_one in asyncio.as_completed(waiting):
        (await served_one).release()
    assert (queue.running, queue.waiting) == (0, 0)


async def test_a_turn_given_back_twice_counts_once() -> None:
    queue = FairQueue(2, ManualClock())
    turn = await queue.turn("a", 2)
    turn.release()
    turn.release()
    assert queue.running == 0


async def test_who_is_cancelled_just_when_its_turn_came_gives_it_back() -> None:
    queue = FairQueue(1, ManualClock())
    first = await queue.turn("a")
    second = asyncio.create_task(queue.turn("b"))
    await asyncio.sleep(0)
    first.release()  # the second one's turn has come, and it does not know yet
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert queue.running == 0
