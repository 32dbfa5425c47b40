"""How long a planner may search before it answers with the best it has found."""

from __future__ import annotations

import math
import time


class BudgetSpentError(Exception):
    """The time is over; caught by whoever holds the best answer so far."""


class Budget:
    """A time that began when it was made. Searches look at it every few milliseconds."""

    def __init__(self, seconds: float = math.inf) -> None:
        self._end_s = time.monotonic() + seconds

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end_s

    def check(self) -> None:
        """Raise `BudgetSpentError` once the time is over."""
        if self.spent:
            raise BudgetSpentError


ENDLESS = Budget()
"""For searches that are to be finished, however long they take."""
