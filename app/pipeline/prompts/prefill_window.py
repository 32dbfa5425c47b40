"""How many chunks of a prompt are under way at a time.

As many as keep the slowest stage, or the slowest way, at work while others are on theirs: the time
once round the ring over the time from one outcome to the next, and one that waits. More would only
queue, and steps of other requests behind them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from workers.protocol.step_message import TraceEntry

MOST_CHUNKS: Final = 16
FEWEST_CHUNKS: Final = 2
_US_PER_S: Final = 1e6


class PrefillWindow:
    """Learns from each chunk that comes round, and begins with one a stage and one more."""

    def __init__(self, stages: int, most: int = MOST_CHUNKS) -> None:
        self.chunks = min(stages + 1, most)
        self._most = most
        self._round_s = math.inf
        self._period_s = math.inf

    def learn(self, step_s: float, since_last_s: float | None, trace: Sequence[TraceEntry]) -> None:
        """Take in a chunk that took so long from its sending to its outcome.

        That came so long after the one before, None of the first. The trace is the phones' word:
        it can make the window as large as it may be at most.
        """
        queued_s = sum(each.queue_us for each in trace) / _US_PER_S
        slowest_s = max((each.compute_us for each in trace), default=0) / _US_PER_S
        self._round_s = min(self._round_s, max(step_s - queued_s, slowest_s))
        if since_last_s is not None:
            self._period_s = min(self._period_s, since_last_s)
        known_s = self._period_s if math.isfinite(self._period_s) else 0.0
        period_s = max(slowest_s, known_s)
        if self._round_s >= period_s * self._most:
            self.chunks = self._most
        else:
            wanted = math.ceil(self._round_s / period_s) + 1
            self.chunks = min(max(wanted, FEWEST_CHUNKS), self._most)
