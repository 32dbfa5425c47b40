"""Works side by side: who ends first decides, and nobody outlives the call."""

from __future__ import annotations

import asyncio

import pytest

from workers.nursery import all_or_none, first_to_end


class Endless:
    """Work that only a cancellation ends; it takes its time about it."""

    def __init__(self) -> None:
        self.ended = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.ended = True


async def fail() -> None:
    raise ZeroDivisionError


async def succeed() -> None:
    await asyncio.sleep(0)


async def test_the_first_to_end_ends_the_others_before_the_call_returns() -> None:
    endless = Endless()
    await first_to_end(endless.run(), succeed())
    assert endless.ended


async def test_what_the_first_to_end_raised_is_raised() -> None:
    endless = Endless()
    with pytest.raises(ZeroDivisionError):
        await first_to_end(endless.run(), fail())
    assert endless.ended


async def test_of_several_that_end_together_the_first_named_decides() -> None:
    await first_to_end(asyncio.sleep(0), succeed(), fail_after_a_turn())


async def fail_after_a_turn() -> None:
    await asyncio.sleep(0)
    raise ZeroDivisionError


async def test_all_run_to_their_ends_unless_one_fails() -> None:
    await all_or_none(succeed(), asyncio.sleep(0))
    endless = Endless()
    with pytest.raises(ZeroDivisionError):
        await all_or_none(endless.run(), fail())
    assert endless.ended


async def test_a_cancelled_call_leaves_nothing_running() -> None:
    endless = Endless()
    call = asyncio.ensure_future(first_to_end(endless.run()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert endless.ended
