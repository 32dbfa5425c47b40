"""What decoding took lately on one assignment: each stage for one row; and when tokens came."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from app.core.identifiers import Serial
from app.pipeline.results import StageTiming

_KEPT: Final = 512
"""Steps of a stage, and tokens; more than come within the time that counts."""


@dataclass
class StageMeter:
    """Belongs to one applied assignment. Lives on the service loop; times are monotonic."""

    first_token_s: float | None = None
    _steps: dict[Serial, deque[tuple[float, float]]] = field(default_factory=dict)
    _tokens_s: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def decoded(self, at_s: float, timings: Iterable[StageTiming], row_cost: float) -> None:
        """Note a token. Its step took `row_cost` times as long as one row by itself does."""
        if self.first_token_s is None:
            self.first_token_s = at_s
        self._tokens_s.append(at_s)
        for timing in timings:
            steps = self._steps.setdefault(timing.serial, deque(maxlen=_KEPT))
            steps.append((at_s, timing.compute_ms / 1000 / row_cost))

    def stage_s(self, serial: Serial, since_s: float) -> tuple[float, int]:
        """Return the median of what a row took since then, and of how many steps; 0 of none."""
        taken_s = [each_s for at_s, each_s in self._steps.get(serial, ()) if at_s >= since_s]
        return (median(taken_s), len(taken_s)) if taken_s else (0.0, 0)

    @property
    def last_token_s(self) -> float | None:
        """When the newest token came."""
        return self._tokens_s[-1] if self._tokens_s else None

    def tokens_per_second(self, since_s: float, until_s: float) -> float | None:
        """Return how many tokens a second came between two moments; None where hardly any did."""
        count = sum(since_s <= at_s < until_s for at_s in self._tokens_s)
        return count / (until_s - since_s) if count > 1 and until_s > since_s else None
