"""Time as a dependency, so that tests and replays decide what time it is."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the current time comes from."""

    def monotonic_s(self) -> float:
        """Return seconds that never go backwards."""
        ...

    def wall_ms(self) -> int:
        """Return milliseconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def monotonic_s(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """Return the wall clock in whole milliseconds."""
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that moves only when told to."""

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
