"""What all charts and the timeline look at together: how far back, paused, zoomed, selected."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.ui.charts.span import LookBack
from app.ui.charts.window import Ages, shifted, zoomed
from app.ui.settings import Settings

Moments = tuple[float, float]
"""On the axis of the snapshots, the earlier first."""
_ZOOM_STEP = 0.7
_SHORTEST_BRUSH_S = 0.2


class TimeView(QObject):
    """One for the whole window; the span is kept between runs.

    Zooming pauses, so that what is looked at stays; showing all again goes on.
    """

    changed = Signal()
    spanned = Signal()
    """Another span was chosen: what was read before says nothing about it."""
    pointed = Signal(object)
    """The moment that the pointer is at; None where it is elsewhere."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        names = [span.name for span in LookBack]
        self.span = LookBack[settings.chosen("span", names, LookBack.MINUTE.name)]
        self.ages: Ages = (-self.length_s, 0.0)
        self.brushed: Moments | None = None
        """What is selected, in all charts, on the timeline and in the log."""
        self._paused_at_s: float | None = None

    @property
    def length_s(self) -> float:
        """How far back the span goes."""
        return self.span.look.length_s

    @property
    def paused(self) -> bool:
        """Whether the axis stands still."""
        return self._paused_at_s is not None

    @property
    def is_whole(self) -> bool:
        """Whether all of the span is shown."""
        return self.ages == (-self.length_s, 0.0)

    def end_s(self, now_s: float) -> float:
        """Return the moment at the right end of the whole span."""
        return now_s if self._paused_at_s is None else self._paused_at_s

    def choose(self, span: LookBack) -> None:
        """Look that far back from now on."""
        if span is not self.span:
            self.span = span
            self._settings.choose("span", span.name)
            self._paused_at_s, self.brushed = None, None
            self.ages = (-self.length_s, 0.0)
            self.spanned.emit()
            self.changed.emit()

    def pause(self, now_s: float, *, on: bool) -> None:
        """Let the axis stand still, or go on with all of it."""
        if on is self.paused:
            return
        if on:
            self._paused_at_s = now_s
            self.changed.emit()
        else:
            self.show_all()

    def zoom(self, now_s: float, *, closer: bool, around_s: float | None = None) -> None:
        """Show less or more around an age; the middle where none is given."""
        factor = _ZOOM_STEP if closer else 1 / _ZOOM_STEP
        middle = sum(self.ages) / 2 if around_s is None else around_s
        self._show(zoomed(self.ages, factor, middle, self.length_s), now_s)

    def shift(self, now_s: float, *, later: bool) -> None:
        """Show what is a quarter of the axis earlier or later."""
        quarter = (self.ages[1] - self.ages[0]) / 4
        self._show(shifted(self.ages, quarter if later else -quarter, self.length_s), now_s)

    def show_all(self) -> None:
        """Show all of the span up to now, with nothing selected."""
        self._paused_at_s, self.brushed = None, None
        self.ages = (-self.length_s, 0.0)
        self.changed.emit()

    def brush(self, one_age_s: float, other_age_s: float, now_s: float) -> None:
        """Select what lies between two ages."""
        end_s, (first, last) = self.end_s(now_s), sorted((one_age_s, other_age_s))
        chosen = (end_s + first, end_s + last)
        self.brushed = chosen if last - first >= _SHORTEST_BRUSH_S else None
        self.changed.emit()

    def selects(self, at_s: float) -> bool:
        """Tell whether a moment is selected; where nothing is, every moment counts."""
        return self.brushed is None or self.brushed[0] <= at_s <= self.brushed[1]

    def _show(self, ages: Ages, now_s: float) -> None:
        if ages == self.ages:
            return
        self.ages = ages
        if self._paused_at_s is None:
            self._paused_at_s = now_s
        self.changed.emit()
