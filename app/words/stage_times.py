"""How long a stage's last step took beside what was predicted of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.placement.problem import StagePrediction
from app.words.ages import RECENT_S

SLOW_RATIO: Final = 1.5
SLOW_EXCESS_MS: Final = 0.5
"""A stage this many times and milliseconds slower than predicted is called out."""


@dataclass(frozen=True)
class MeasuredStep:
    """How long a step took, and how long ago it ended."""

    stage_ms: float
    age_s: float

    @property
    def recent(self) -> bool:
        """Whether it stands for what the stage does now."""
        return self.age_s <= RECENT_S


def slow_ratio(predicted: StagePrediction | None, measured: MeasuredStep | None) -> float | None:
    """Return measured over predicted time, None where either is unknown."""
    if predicted is None or measured is None or predicted.compute_s <= 0:
        return None
    return measured.stage_ms / (predicted.compute_s * 1e3)


def is_slow(predicted: StagePrediction | None, measured: MeasuredStep | None) -> bool:
    """Whether a stage is by so much slower now than predicted that a person should see it."""
    ratio = slow_ratio(predicted, measured)
    if ratio is None or predicted is None or measured is None or not measured.recent:
        return False
    return ratio > SLOW_RATIO and measured.stage_ms - predicted.compute_s * 1e3 > SLOW_EXCESS_MS
