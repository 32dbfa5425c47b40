"""What a rack tells of a task of its own that met something unexpected."""

from __future__ import annotations

import asyncio

from app.rack.context import make_context
from app.rack.snapshot import TimelineKind
from app.testing.clocks import SkippingClock
from app.words.sentences import fact_text

SOON_S = 10.0


async def test_a_watch_that_fails_again_and_again_is_told_of_once_and_goes_on() -> None:
    changes = 0

    def changed() -> None:
        nonlocal changes
        changes += 1

    context = make_context(SkippingClock(), changed, patience=1.0)
    looks, looked_often = 0, asyncio.Event()

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 5:
            looked_often.set()
        raise ZeroDivisionError

    context.nursery.watch(look, "the watch over tunnels", 1.0)
    async with asyncio.timeout(SOON_S):
        await looked_often.wait()
    await context.nursery.close()
    (event,) = context.timeline.events
    assert event.kind is TimelineKind.ERROR
    assert fact_text(event.fact) == (
        "The watch over tunnels failed unexpectedly (ZeroDivisionError); the log tells why. "
        "It goes on."
    )
    assert changes == 1


async def test_a_task_that_fails_ends_alone_and_is_told_of() -> None:
    context = make_context(SkippingClock(), lambda: None, patience=1.0)

    async def fail() -> None:
        raise KeyError("x")

    neighbour = context.nursery.start(asyncio.Event().wait(), "neighbour")
    await context.nursery.child().start_soon(fail(), "the return of Pixel 8")
    assert not neighbour.done()
    (event,) = context.timeline.events
    assert fact_text(event.fact).startswith("The return of Pixel 8 failed unexpectedly (KeyError)")
    assert fact_text(event.fact).endswith("It ended.")
    await context.nursery.close()


def test_chance_comes_from_the_system_unless_it_is_given() -> None:
    context = make_context(SkippingClock(), lambda: None, patience=1.0)
    drawn = {context.random_bytes(16) for _ in range(64)}
    assert len(drawn) == 64
    assert all(len(each) == 16 for each in drawn)
