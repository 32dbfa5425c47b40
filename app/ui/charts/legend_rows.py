"""The lines of a legend, and by what they may be put in order. Qt-free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.core.identifiers import Serial
from app.ui.charts.statistics import SeriesSummary

_NOTHING = -1.0


@dataclass(frozen=True)
class LegendRow:
    """One phone's line in the legend."""

    serial: Serial
    name: str
    colour: str
    figures: SeriesSummary | None
    budget: float | None
    hidden: bool
    stale: bool
    recent: bool = True
    """Whether the newest figure is of the present, and not of a step long past."""


def sort_keys(*, budget: bool) -> dict[int, Callable[[LegendRow], float | str]]:
    """Return by what the rows are sorted for each column; with the share of a `budget` or not."""
    keys: list[Callable[[LegendRow], float | str]] = [
        lambda row: row.name.casefold(),
        _figure(lambda figures: figures.now),
        _figure(lambda figures: figures.mean),
        _figure(lambda figures: figures.p95),
        _figure(lambda figures: figures.maximum),
    ]
    if budget:
        keys.insert(2, _share)
    return dict(enumerate(keys))


def _figure(pick: Callable[[SeriesSummary], float]) -> Callable[[LegendRow], float]:
    return lambda row: pick(row.figures) if row.figures else _NOTHING


def _share(row: LegendRow) -> float:
    return row.figures.now / row.budget if row.figures and row.budget else _NOTHING
