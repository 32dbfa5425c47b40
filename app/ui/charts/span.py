"""How far back the charts may look. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

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
    unit_s: float
    """Seconds that the axis counts as one."""
    unit: str
    """Written behind the axis' figures; nothing for seconds, which charts count everywhere."""


class LookBack(Enum):
    """The ways there are."""

    MINUTE = Look(WINDOW_S, None, 0.0, 1.0, "")
    FIVE_MINUTES = Look(300.0, Window.FIVE_MINUTES, 1.0, 60.0, " min")
    HOUR = Look(3600.0, Window.HOUR, 5.0, 60.0, " min")
    DAY = Look(86_400.0, Window.DAY, 30.0, 3600.0, " h")

    @property
    def look(self) -> Look:
        """What it means."""
        return self.value

    @property
    def gap_s(self) -> float:
        """Points further apart are not joined."""
        window = self.look.window
        return GAP_S if window is None else max(GAP_S, 2.5 * window.period_s)

    def tick_text(self, age_s: float) -> str:
        """Return what stands at an age of 0 or less, without a unit in seconds."""
        look = self.look
        return f"{-age_s / look.unit_s:g}{look.unit}"


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
