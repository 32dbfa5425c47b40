"""Reputation: a beta distribution over honest work, old observations fading away."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

DECAY: Final = 0.99
"""What is left of an observation's weight after one more; its memory is about 100 long."""
ONE_SIDED_95_PERCENT: Final = 1.645
"""Normal quantile of the lower confidence bound."""


@dataclass(frozen=True)
class Reputation:
    """Decayed counts of good and bad observations."""

    good: float = 0.0
    bad: float = 0.0

    def after(self, *, honest: bool) -> Reputation:
        """Return the reputation after one more observation."""
        return Reputation(self.good * DECAY + honest, self.bad * DECAY + (not honest))

    def without_last_bad(self) -> Reputation:
        """Return the reputation as if the newest observation, a bad one, had not been made."""
        return Reputation(self.good / DECAY, max(0.0, self.bad - 1) / DECAY)

    @property
    def mean(self) -> float:
        """(a + 1) / (a + b + 2), the mean of Beta(a + 1, b + 1)."""
        return (self.good + 1) / (self.good + self.bad + 2)

    @property
    def lower_bound(self) -> float:
        """The 95 % lower confidence bound of the mean, 0 to 1; phones are ranked by it.

        By the normal approximation: the mean less 1.645 standard deviations of the distribution.
        """
        variance = self.mean * (1 - self.mean) / (self.good + self.bad + 3)
        return max(0.0, self.mean - ONE_SIDED_95_PERCENT * math.sqrt(variance))
