"""What a phone draws while it computes, told from its battery: more work, more current."""

from __future__ import annotations

from collections import deque
from statistics import LinearRegression, linear_regression
from typing import Final

from app.core.vitals import Charging, DeviceVitals

KEPT: Final = 64
LEAST_READINGS: Final = 8
LEAST_SPREAD: Final = 0.2
"""So far apart the busiest and the idlest reading have to be, as shares of the time."""
PLAUSIBLE_WATTS: Final = (0.2, 30.0)
"""A fit beyond these is no phone's: the battery's own filter, or another program."""


class DrainMeter:
    """Readings of one phone's battery, each beside how much of the time since the last it computed.

    A charger hides what is drawn, so that only readings without one count.
    """

    def __init__(self) -> None:
        self._readings: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._before: tuple[float, float] | None = None

    def note(self, at_s: float, computed_s: float, vitals: DeviceVitals) -> None:
        """Take in a reading; `computed_s` is how long stages computed there so far."""
        before, self._before = self._before, (at_s, computed_s)
        watts = drawn_watts(vitals)
        if before is None or watts is None or at_s <= before[0]:
            return
        share = (computed_s - before[1]) / (at_s - before[0])
        self._readings.append((min(max(share, 0.0), 1.0), watts))

    @property
    def active_watts(self) -> float | None:
        """What it draws more while it computes; None where the readings do not tell."""
        shares = [share for share, _ in self._readings]
        if len(shares) < LEAST_READINGS or max(shares) - min(shares) < LEAST_SPREAD:
            return None
        fit: LinearRegression = linear_regression(shares, [watts for _, watts in self._readings])
        least, most = PLAUSIBLE_WATTS
        return fit.slope if least <= fit.slope <= most else None


def drawn_watts(vitals: DeviceVitals) -> float | None:
    """Return what a phone's battery gives; None on a charger, or where it does not tell."""
    current_ma, volts = vitals.battery_current_ma, vitals.battery_volts
    if vitals.charging is not Charging.DISCHARGING or current_ma is None or volts is None:
        return None
    return abs(current_ma) / 1000 * volts
