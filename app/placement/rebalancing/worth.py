"""Whether a move is worth what it costs: a plan has to be better by more than its disturbance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.placement.problem import Prediction

LEAST_GAIN: Final = 0.12
"""By how much more a second there has to be: below it, figures are not that sure."""
HORIZON_S: Final = 60.0
"""Within how long a move has to have brought back what it cost."""
LOAD_S: Final = 0.3
"""What the first token after a move waits for, besides reading the text again."""
PREFILL_SHARE: Final = 0.05
"""What a token of a text takes to be read again, as a share of what it takes to be written: one
pass of the ring reads 64 of them, at the price of several."""
PUSH_SHARE: Final = 0.2
"""What a push takes from those who go on writing meanwhile: it shares links and processors."""


WORSE: Final = 0.85
"""A move that leaves less than this share of the rate is undone."""
DISTRUST_S: Final = 600.0
"""How long an assignment that brought less is not moved to again."""


@dataclass(frozen=True)
class Trade:
    """What is now and what could be: costs as the objective counts them, small is good."""

    now: float
    then: float
    push_s: float
    """How long the files take that phones lack."""
    again_s: float
    """How long texts under way take to be read again."""

    @property
    def gain(self) -> float:
        """By what share more there would be a second."""
        return self.now / self.then - 1

    @property
    def price_s(self) -> float:
        """Seconds of work that are lost by moving."""
        return LOAD_S + PUSH_SHARE * self.push_s + self.again_s

    @property
    def is_worth_it(self) -> bool:
        """Whether it is better by more than it costs."""
        saved_s = HORIZON_S * (1 - self.then / self.now)
        return self.gain >= LEAST_GAIN and saved_s >= self.price_s


def reading_again_s(now: Prediction, longest_tokens: int) -> float:
    """Return about how long the longest text under way takes to be read again."""
    return longest_tokens * now.token_latency_s * PREFILL_SHARE
