"""Clocks that stand still until somebody moves them."""

from __future__ import annotations

import asyncio

from app.core.clock import WaitsOnTheLoop


class ManualClock(WaitsOnTheLoop):
    """A clock that moves only when told to; waiting still takes the event loop's time."""

    def __init__(self, wall_ms: int = 1_800_000_000_000) -> None:
        self._elapsed_s = 0.0
        self._start_wall_ms = wall_ms

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        self._elapsed_s += seconds

    def monotonic_s(self) -> float:
        """Return the seconds advanced so far."""
        return self._elapsed_s

    def wall_ms(self) -> int:
        """Return the starting wall time plus what was advanced."""
        return self._start_wall_ms + int(self._elapsed_s * 1000)


class SkippingClock(ManualClock):
    """A clock that moves on by each sleep, which takes one turn of the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.slept_s: list[float] = []
        """How long each sleep would have been."""

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run, and seem to have slept."""
        self.slept_s.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)
