"""Waiting for a phone, counting only the time in which this computer itself was listening.

A computer that stood still for seconds hears nothing, and finds what was sent only afterwards.
Counted by the clock alone, its own standstill would look like the silence of every phone.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TypeVar

from app.core.clock import Clock

LOOK_INTERVAL_S = 0.1
LONGEST_LOOK_S = 0.5
"""What a look counts at most, however long ago the one before was."""
_Answer = TypeVar("_Answer")


class Silence:
    """How long nothing was heard, as of the last look."""

    def __init__(self, clock: Clock) -> None:
        self.seconds = 0.0
        self._clock = clock
        self._looked_s = clock.monotonic_s()

    def look(self) -> float:
        """Count the time since the last look and return the sum."""
        now_s = self._clock.monotonic_s()
        self.seconds += min(now_s - self._looked_s, LONGEST_LOOK_S)
        self._looked_s = now_s
        return self.seconds

    def end(self) -> None:
        """Begin anew: something was heard."""
        self.seconds = 0.0
        self._looked_s = self._clock.monotonic_s()


async def answered(answer: asyncio.Future[_Answer], limit_s: float, clock: Clock) -> _Answer:
    """Wait for an answer. Raises `TimeoutError` once that long was listened for it in vain."""
    silence = Silence(clock)
    while not answer.done():
        left_s = limit_s - silence.look()
        if left_s <= 0:
            raise TimeoutError
        with suppress(TimeoutError):
            async with clock.timeout(min(left_s, LOOK_INTERVAL_S)):
                await asyncio.wait([answer])
    return answer.result()
