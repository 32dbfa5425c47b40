"""Time as a dependency, so that tests and replays decide what time it is, and how it passes."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where the current time comes from, and what waits for it to pass."""

    def monotonic_s(self) -> float:
        """Return seconds that never go backwards."""
        ...

    def wall_ms(self) -> int:
        """Return milliseconds since 1970-01-01 UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once that much time has passed."""
        ...

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Return a context that raises `TimeoutError` inside after that long; None waits on."""
        ...


class WaitsOnTheLoop:
    """Waits as long as the running event loop says; one with virtual time waits virtually."""

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run until that much of the loop's time has passed."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Return `asyncio.timeout`."""
        return asyncio.timeout(seconds)


class SystemClock(WaitsOnTheLoop):
    """The machine's own clocks."""

    def monotonic_s(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """Return the wall clock in whole milliseconds."""
        return time.time_ns() // 1_000_000
