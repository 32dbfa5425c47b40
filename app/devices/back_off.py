"""When to try again what did not answer: the longer it is away, the more seldom."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

SHARE_OF_ABSENCE: Final = 0.25
MAXIMUM_PAUSE_S: Final = 15.0


class BackOff:
    """Pauses of a quarter of the time gone, so that a short absence costs next to nothing."""

    def __init__(
        self,
        maximum_pause_s: float = MAXIMUM_PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._maximum_pause_s = maximum_pause_s
        self._clock = clock
        self._away_since_s: float | None = None
        self._next_s = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time to try."""
        return self._clock() >= self._next_s

    def failed(self) -> None:
        """Note that a try was in vain."""
        now_s = self._clock()
        if self._away_since_s is None:
            self._away_since_s = now_s
        pause_s = (now_s - self._away_since_s) * SHARE_OF_ABSENCE
        self._next_s = now_s + min(pause_s, self._maximum_pause_s)

    def succeeded(self) -> None:
        """Note that it answered."""
        self._away_since_s = None
        self._next_s = 0.0
