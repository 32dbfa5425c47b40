"""Figures of one curve over the window. Qt-free."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.rack.snapshot import StageSample
from app.words.ages import RECENT_S

WINDOW_S = 60.0
GAP_S = 2.0
"""Points further apart are not joined."""


@dataclass(frozen=True)
class SeriesSummary:
    """Newest, mean, 95th percentile (nearest rank) and largest value."""

    now: float
    mean: float
    p95: float
    maximum: float


@dataclass(frozen=True)
class Curve:
    """Points to draw: seconds before now (0 or less) and values."""

    ages_s: tuple[float, ...]
    values: tuple[float, ...]


def with_gaps(line: Curve, gap_s: float = GAP_S) -> tuple[list[float], list[float]]:
    """Return ages and values with a not-a-number wherever nothing was measured for a while."""
    ages: list[float] = []
    values: list[float] = []
    for age, value in zip(line.ages_s, line.values, strict=True):
        if ages and age - ages[-1] > gap_s:
            ages.append(age)
            values.append(math.nan)
        ages.append(age)
        values.append(value)
    return ages, values


def is_recent(line: Curve, gap_s: float = GAP_S) -> bool:
    """Tell whether the newest point stands for the present."""
    return bool(line.ages_s) and -line.ages_s[-1] <= max(RECENT_S, gap_s)


def figures(values: Sequence[float]) -> SeriesSummary | None:
    """Return the figures of some values, None where there are none."""
    if not values:
        return None
    ordered = sorted(values)
    rank = max(math.ceil(0.95 * len(ordered)), 1)
    return SeriesSummary(values[-1], sum(values) / len(values), ordered[rank - 1], ordered[-1])


def curve(
    samples: Sequence[StageSample],
    now_s: float,
    measure: Callable[[StageSample], float | None],
    window_s: float = WINDOW_S,
) -> Curve:
    """Return the points within the window that have a value."""
    points = [
        (sample.at_s - now_s, value)
        for sample in samples
        if now_s - sample.at_s <= window_s and (value := measure(sample)) is not None
    ]
    return Curve(tuple(age for age, _ in points), tuple(value for _, value in points))


def nice_top(largest: float) -> float:
    """Return a round upper limit a little above a value, so that axes seldom jump."""
    if largest <= 0:
        return 1.0
    wanted = largest * 1.15
    scale = 10.0 ** math.floor(math.log10(wanted))
    steps = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
    return float(next(step for step in steps if step * scale >= wanted) * scale)
