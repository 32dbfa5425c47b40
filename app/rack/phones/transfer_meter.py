"""How fast bytes are on their way to a phone, and how long the rest will take."""

from __future__ import annotations

from collections import deque

from app.core.clock import Clock
from app.rack.snapshot import Cargo, Transfer

WINDOW_S = 5.0
"""The rate is a mean over this time: steady to the eye, and yet soon right after a change."""
SETTLING_S = 0.5
"""No rate is told before; the first bytes only fill buffers."""
SAMPLE_INTERVAL_S = 0.1


class TransferMeter:
    """One phone's transfer, or several after each other; used by one thread at a time."""

    def __init__(self, what: Cargo, clock: Clock) -> None:
        self._what = what
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()
        self._total_bytes = 0

    def measure(self, done_bytes: int, total_bytes: int) -> Transfer:
        """Return the transfer as it stands now; what had landed before it began is not its work."""
        if total_bytes != self._total_bytes or (
            self._samples and done_bytes < self._samples[-1][1]
        ):
            self._samples.clear()
            self._total_bytes = total_bytes
        now_s = self._clock.monotonic_s()
        rate = self._rate(now_s, done_bytes)
        self._keep(now_s, done_bytes)
        left_s = (total_bytes - done_bytes) / rate if rate else None
        return Transfer(self._what, done_bytes, total_bytes, rate, left_s)

    def _rate(self, now_s: float, done_bytes: int) -> float | None:
        while len(self._samples) > 1 and now_s - self._samples[1][0] >= WINDOW_S:
            self._samples.popleft()
        if not self._samples or now_s - self._samples[0][0] < SETTLING_S:
            return None
        begin_s, begin_bytes = self._samples[0]
        return (done_bytes - begin_bytes) / (now_s - begin_s)

    def _keep(self, now_s: float, done_bytes: int) -> None:
        if not self._samples or now_s - self._samples[-1][0] >= SAMPLE_INTERVAL_S:
            self._samples.append((now_s, done_bytes))
