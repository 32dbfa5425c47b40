"""How long a planner may search before it answers with the best it has found."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class BudgetSpentError(Exception):
    """The time is over; caught by whoever holds the best answer so far."""


class Budget:
    """A time that began when it was made. Searches look at it every few milliseconds."""

    def __init__(
        self, seconds: float = math.inf, hurried: Callable[[], bool] = lambda: False
    ) -> None:
        """`hurried` tells that whoever asked waits no longer."""
        self._end_s = time.monotonic() + seconds
        self._hurried = hurried

    def part(self, share: float) -> Budget:
        """Return a share of what is left of it, from now on."""
        left_s = self._end_s - time.monotonic()
        return Budget(left_s * share, self._hurried)

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end_s or self._hurried()

    def check(self) -> None:
        """Raise `BudgetSpentError` once the time is over."""
        if self.spent:
            raise BudgetSpentError


ENDLESS = Budget()
"""For searches that are to be finished, however long they take."""
