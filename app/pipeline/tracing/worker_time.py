"""What a worker's own clock shows, told by pings: its times on this computer's clock.

A reply was written at some moment between its question and its arrival. The middle is wrong by half
of that at most (D. L. Mills, RFC 5905), so the shortest round trip counts; what was read long ago
counts for less, as two clocks drift apart.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

DRIFT: Final = 1e-4
"""Seconds a second; crystals in phones keep within half of it."""
_KEPT: Final = 64
_US_PER_S: Final = 1_000_000


@dataclass(frozen=True)
class ClockReading:
    """A clock that was read between two moments of ours, and how far off it may be at most."""

    at_s: float
    offset_s: float
    """What to add to its time to have ours."""
    error_s: float

    def error_at(self, now_s: float) -> float:
        """Return how far off the offset may be by another moment."""
        return self.error_s + DRIFT * abs(now_s - self.at_s)


class WorkerTime:
    """The newest readings of one worker's clock. Lives on the service loop."""

    def __init__(self) -> None:
        self._readings: deque[ClockReading] = deque(maxlen=_KEPT)

    def note(self, asked_s: float, clock_us: int, heard_s: float) -> None:
        """Take in what it answered to a question of `asked_s`, heard at `heard_s`."""
        middle_s = (asked_s + heard_s) / 2
        offset_s = middle_s - clock_us / _US_PER_S
        self._readings.append(ClockReading(middle_s, offset_s, (heard_s - asked_s) / 2))

    def best(self, now_s: float) -> ClockReading | None:
        """Return the reading that is off by least now; None where there is none."""
        return min(self._readings, key=lambda each: each.error_at(now_s), default=None)
