"""Arithmetic of what a time axis shows: from how long ago to how long ago. Qt-free."""

from __future__ import annotations

import math

Ages = tuple[float, float]
"""Seconds before the axis' end, the older first; both 0 or less."""
LEAST_S = 4.0
_TICKS = 5
_STEPS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0, 600.0, 900.0, 3600.0, 21_600.0)


def zoomed(ages: Ages, factor: float, around_s: float, length_s: float) -> Ages:
    """Return the ages `factor` times as far apart, with the point `around_s` where it was.

    Never nearer than `LEAST_S`, nor beyond `length_s`.
    """
    before = ages[1] - ages[0]
    after = min(max(before * factor, min(LEAST_S, length_s)), length_s)
    share = (around_s - ages[0]) / before
    return shifted((around_s - share * after, around_s + (1 - share) * after), 0.0, length_s)


def shifted(ages: Ages, by_s: float, length_s: float) -> Ages:
    """Return the ages moved to and fro, as far as there is something to show."""
    width = ages[1] - ages[0]
    start = min(max(ages[0] + by_s, -length_s), -width)
    return start, start + width


def tick_ages(ages: Ages) -> tuple[float, ...]:
    """Return round ages for the marks of an axis, the oldest first."""
    width = ages[1] - ages[0]
    step = next((each for each in _STEPS if width / each <= _TICKS), _STEPS[-1])
    first = math.ceil(ages[0] / step)
    return tuple(step * each for each in range(first, math.floor(ages[1] / step) + 1))
