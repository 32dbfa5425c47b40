"""How far back the charts look; one choice for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from PySide6.QtCore import QObject, Signal

from app.rack.snapshot import Window
from app.ui.charts.statistics import GAP_S, WINDOW_S
from app.words.catalogue import tr


@dataclass(frozen=True)
class Look:
    """A way of looking back; without a window of the history it is the last minute's points."""

    length_s: float
    window: Window | None
    refresh_s: float
    """How often it is worth reading anew."""
    tick_s: float
    unit_s: float
    """Seconds that the axis counts as one."""
    unit: str
    """Written behind the axis' figures; nothing for seconds, which charts count everywhere."""


class LookBack(Enum):
    """The ways there are."""

    MINUTE = Look(WINDOW_S, None, 0.0, 15.0, 1.0, "")
    FIVE_MINUTES = Look(300.0, Window.FIVE_MINUTES, 1.0, 60.0, 60.0, " min")
    HOUR = Look(3600.0, Window.HOUR, 5.0, 900.0, 60.0, " min")
    DAY = Look(86_400.0, Window.DAY, 30.0, 21_600.0, 3600.0, " h")

    @property
    def look(self) -> Look:
        """What it means."""
        return self.value

    @property
    def gap_s(self) -> float:
        """Points further apart are not joined."""
        window = self.look.window
        return GAP_S if window is None else max(GAP_S, 2.5 * window.period_s)

    def ticks(self, now_words: str) -> list[tuple[float, str]]:
        """Return the axis' marks: seconds before now (0 or less) and what they say."""
        look = self.look
        count = round(look.length_s / look.tick_s)
        marks = [
            (-look.tick_s * step, f"{look.tick_s * step / look.unit_s:g}{look.unit}")
            for step in range(1, count)
        ]
        return [(0.0, now_words), *marks, (-look.length_s, "")]


class SpanChoice(QObject):
    """The span in force."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.span = LookBack.MINUTE

    def choose(self, span: LookBack) -> None:
        """Look that far back from now on."""
        if span is not self.span:
            self.span = span
            self.changed.emit()


def span_words(span: LookBack) -> str:
    """Return what a span is called in the menu."""
    match span:
        case LookBack.MINUTE:
            return tr("Charts: last minute")
        case LookBack.FIVE_MINUTES:
            return tr("Charts: last 5 minutes")
        case LookBack.HOUR:
            return tr("Charts: last hour")
        case LookBack.DAY:
            return tr("Charts: last 24 hours")
        case _:
            assert_never(span)
