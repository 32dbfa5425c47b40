"""A longer look back, read and summed up away from the GUI thread. Qt-free."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from app.core.identifiers import Serial
from app.rack.snapshot import History, HistoryPoint
from app.ui.charts.statistics import Curve, SeriesSummary


@dataclass(frozen=True)
class LongCurve:
    """One phone's curve and its figures."""

    curve: Curve
    figures: SeriesSummary | None


def lines_of(history: History, now_s: float) -> Mapping[Serial, LongCurve]:
    """Return each phone's means over time; the largest figure is that of single readings."""
    return {serial: _line(points, now_s) for serial, points in history.items()}


def _line(points: tuple[HistoryPoint, ...], now_s: float) -> LongCurve:
    if not points:
        return LongCurve(Curve((), ()), None)
    means = tuple(point.mean for point in points)
    rank = max(math.ceil(0.95 * len(means)), 1)
    figures = SeriesSummary(
        now=means[-1],
        mean=sum(means) / len(means),
        p95=sorted(means)[rank - 1],
        maximum=max(point.maximum for point in points),
    )
    return LongCurve(Curve(tuple(point.at_s - now_s for point in points), means), figures)
