"""A phone's warmth, a first-order model, and how far it slows itself down. No clock of its own."""

from __future__ import annotations

import math
from bisect import bisect_right

THRESHOLDS_CELSIUS = (39.0, 43.0, 45.0, 46.5, 52.0, 55.0)
"""Where throttling gets light, moderate, severe, critical, an emergency and a shutdown: a Pixel 7's
skin sensor, as its thermal configuration lists it."""

HYSTERESIS_CELSIUS = 1.9
"""How far below a threshold a phone must cool before the grade ends."""

PROCESSOR_SHARES = (1.0, 0.8, 0.6, 0.4, 0.25, 0.15, 0.05)
"""What each grade leaves of the processor, none first: our assumption, makers publish none."""


class Heat:
    """Warmth tends to the ambient one plus what the power drawn adds (Newton's law of cooling)."""

    def __init__(
        self,
        celsius: float,
        ambient_celsius: float,
        celsius_per_watt: float,
        time_constant_s: float,
        *,
        throttles: bool,
    ) -> None:
        self.celsius = celsius
        self._ambient_celsius = ambient_celsius
        self._celsius_per_watt = celsius_per_watt
        self._time_constant_s = time_constant_s
        self._throttles = throttles
        self._grade = 0
        self._regrade()

    @property
    def grade(self) -> int:
        """Android's thermal status, 0 (none) to 6 (shutdown)."""
        return self._grade

    @property
    def processor_share(self) -> float:
        """What is left of the processor."""
        return PROCESSOR_SHARES[self._grade]

    def advance(self, elapsed_s: float, drawn_watts: float) -> None:
        """Let time pass at that power."""
        target = self._ambient_celsius + self._celsius_per_watt * drawn_watts
        self.celsius = target + (self.celsius - target) * math.exp(
            -elapsed_s / self._time_constant_s
        )
        self._regrade()

    def put(self, celsius: float) -> None:
        """Make it that warm now, as the sun or a fridge does."""
        self.celsius = celsius
        self._regrade()

    def _regrade(self) -> None:
        if not self._throttles:
            return
        reached = bisect_right(THRESHOLDS_CELSIUS, self.celsius)
        held = bisect_right(THRESHOLDS_CELSIUS, self.celsius + HYSTERESIS_CELSIUS)
        self._grade = max(reached, min(self._grade, held))
