"""One chart: a thin curve a phone, a threshold, the timeline's marks, a crosshair."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyqtgraph
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.core.identifiers import Serial
from app.rack.control import RackControl
from app.rack.snapshot import PhoneSnapshot, RackSnapshot, TimelineKind
from app.ui.charts.export import export
from app.ui.charts.legend import Legend
from app.ui.charts.legend_rows import LegendRow
from app.ui.charts.long_view import LongCurve, lines_of
from app.ui.charts.measure import ChartQuantity
from app.ui.charts.range_box import RangeBox
from app.ui.charts.recent import RecentLines
from app.ui.charts.saving import ask_where
from app.ui.charts.span import LookBack
from app.ui.charts.statistics import (
    Curve,
    SeriesSummary,
    figures,
    is_recent,
    nice_top,
    with_gaps,
)
from app.ui.charts.time_view import TimeView
from app.ui.charts.window import tick_ages
from app.ui.looks.appearance import Appearance
from app.ui.looks.marks import ALARMING, event_colour, event_rank
from app.ui.looks.seen import is_seen
from app.ui.looks.spoken import spoken
from app.ui.looks.tokens import phone_colour
from app.ui.rack_link import RackLink
from app.words.ages import is_stale
from app.words.catalogue import Message, tr
from app.words.sentences import fact_text
from app.words.states import phone_name

_MARKS_SHOWN = 24
_CURVES_ADDED = 4
"""New curves in one drawing; the others come with the next ones."""
_MANY_PHONES = 24
"""More are drawn half as often: at every fourth tick."""
_EMPTY_LEFT = 64
_NOTHING = LongCurve(Curve((), ()), None)


class TimeChart(QWidget):
    """Draws at every second tick, in turn with the other chart, only while it can be seen.

    A longer look back is read on another thread, and only as often as it changes visibly.
    """

    def __init__(
        self,
        measure: ChartQuantity,
        empty_words: Message,
        link: RackLink,
        appearance: Appearance,
        view: TimeView,
        *,
        even: bool,
    ) -> None:
        super().__init__()
        self._measure = measure
        self._link = link
        self._appearance = appearance
        self._view = view
        self._lines: Mapping[Serial, LongCurve] = {}
        self._read_at_s = -math.inf
        self._reading = False
        self._recent = RecentLines(measure.value)
        self._curves: dict[Serial, Any] = {}
        self._curves_left = _CURVES_ADDED
        self._marks: list[Any] = []
        self._hovered: Serial | None = None
        self._ticks = 0 if even else 1
        self._box = RangeBox()
        self.plot = pyqtgraph.PlotWidget(viewBox=self._box)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.legend = Legend(measure, appearance)
        self.empty = QLabel(self.plot)
        spoken(self.empty.setText, empty_words)
        self._threshold = pyqtgraph.InfiniteLine(angle=0)
        self._line = pyqtgraph.InfiniteLine(angle=90)
        self._region = pyqtgraph.LinearRegionItem(movable=False)
        self._arrange()
        self._restyle()
        self.legend.selection_changed.connect(self.draw)
        self.legend.hovered.connect(self._hover)
        link.ticked.connect(self._tick)
        appearance.changed.connect(self._restyle)
        view.pointed.connect(self._show_crosshair)
        view.spanned.connect(self._look_anew)
        view.changed.connect(self._show_view)
        self.plot.scene().sigMouseMoved.connect(self._point)
        self._box.zoomed.connect(
            lambda closer, age_s: view.zoom(link.now_s, closer=closer, around_s=age_s)
        )
        self._box.selected.connect(lambda one, other: view.brush(one, other, link.now_s))
        self._box.reset.connect(view.show_all)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Share the width between the curves and the legend."""
        self.legend.fit(event.size().width() * 11 // 20)
        room = event.size().width() - self.legend.width() - _EMPTY_LEFT
        self.empty.resize(max(room - 24, 60), 60)
        super().resizeEvent(event)

    def draw(self) -> None:
        """Draw the newest samples."""
        snapshot = self._link.snapshot
        if snapshot is None:
            return
        now_s, lines = self._view.end_s(self._link.now_s), self._newest_lines(snapshot)
        largest, rows = 0.0, []
        self._curves_left = _CURVES_ADDED
        drawn = self.legend.drawn([phone.serial for phone in snapshot.phones])
        for phone in snapshot.phones:
            line = lines.get(phone.serial, _NOTHING)
            hidden = phone.serial not in drawn
            self._draw_curve(phone, line.curve, hidden=hidden)
            largest = max(largest, 0.0 if hidden else max(line.curve.values, default=0.0))
            rows.append(self._legend_row(phone, line, now_s, hidden=hidden))
        self.legend.show_rows(rows)
        self.empty.setVisible(all(row.figures is None for row in rows))
        threshold = self._measure.threshold(snapshot)
        near = threshold is not None and largest > 0 and threshold <= 2 * largest
        self._threshold.setVisible(near)
        if near and threshold is not None:
            self._threshold.setValue(threshold / self._measure.scale)
            largest = max(largest, threshold)
        self.plot.setYRange(0, nice_top(largest / self._measure.scale), padding=0)
        self._draw_marks(snapshot, now_s)
        self._draw_region(now_s)

    def ask_where(self) -> None:
        """Ask for a file, and save the chart there."""
        name = f"shardloom-{self._measure.metric.value}"
        ask_where(self, name, self.export_to, self._link.failed.emit)

    def export_to(self, path: Path) -> None:
        """Write the chart into a file, by the form that its name ends with.

        Raises `BadInputError`.
        """
        names, scale = self._link.names, self._measure.scale
        series = {
            serial: (
                names.get(serial, serial),
                Curve(line.curve.ages_s, tuple(value / scale for value in line.curve.values)),
            )
            for serial, line in self._lines.items()
        }
        export(path, self, self._measure.unit, series)

    def _tick(self) -> None:
        self._ticks += 1
        snapshot = self._link.snapshot
        many = snapshot is not None and len(snapshot.phones) > _MANY_PHONES
        if self._ticks % (4 if many else 2) or not is_seen(self):
            return
        if self._view.paused:
            return
        if self._view.span is LookBack.MINUTE or self._curves_left == 0:
            self.draw()
        elif self._link.now_s - self._read_at_s >= self._view.span.look.refresh_s:
            self._read()

    def _newest_lines(self, snapshot: RackSnapshot) -> Mapping[Serial, LongCurve]:
        if self._view.span is not LookBack.MINUTE or self._view.paused:
            return self._lines
        serials = [phone.serial for phone in snapshot.phones]
        drawn, now_s = self.legend.drawn(serials), self._link.now_s
        self._lines = self._recent.take(self._link.samples(), serials, drawn, now_s)
        return self._lines

    def _look_anew(self) -> None:
        """Another span was chosen: what was read before says nothing about it."""
        self._lines, self._read_at_s = {}, -math.inf

    def _show_view(self) -> None:
        self._show_axis()
        self.draw()

    def _read(self) -> None:
        span, now_s, metric = self._view.span, self._link.now_s, self._measure.metric
        window = span.look.window
        if self._reading or window is None:
            return
        self._reading = True

        def read(control: RackControl) -> Mapping[Serial, LongCurve]:
            return lines_of(control.history(metric, window), now_s)

        self._link.read(read, partial(self._take_lines, span, now_s), self._not_read)

    def _not_read(self, line: str) -> None:
        self._reading = False
        if line:
            self._link.failed.emit(line)

    def _take_lines(self, span: LookBack, at_s: float, lines: Mapping[Serial, LongCurve]) -> None:
        self._reading = False
        if span is self._view.span:
            self._lines, self._read_at_s = lines, at_s
            self.draw()

    def _draw_curve(self, phone: PhoneSnapshot, line: Curve, *, hidden: bool) -> None:
        item = self._curves.get(phone.serial)
        if hidden or (item is None and not self._may_add(line)):
            if item is not None:
                item.setVisible(False)
            return
        if item is None:
            item = self._curves[phone.serial] = pyqtgraph.PlotCurveItem()
            self.plot.addItem(item)
            self._curves_left -= 1
        item.setVisible(True)
        colour = QColor(phone_colour(self._appearance.tokens, phone.position))
        colour.setAlphaF(0.4 if is_stale(phone, self._link.now_s) else 1.0)
        width = 2 if phone.serial == self._hovered else 1
        item.setPen(pyqtgraph.mkPen(colour, width=width))
        ages, values = with_gaps(line, self._view.span.gap_s)
        item.setData(ages, [value / self._measure.scale for value in values], connect="finite")

    def _may_add(self, line: Curve) -> bool:
        """Tell whether a phone gets a curve now: many at once would hold up the window."""
        return bool(line.values) and self._curves_left > 0

    def _legend_row(
        self, phone: PhoneSnapshot, line: LongCurve, end_s: float, *, hidden: bool
    ) -> LegendRow:
        return LegendRow(
            phone.serial,
            phone_name(phone),
            phone_colour(self._appearance.tokens, phone.position),
            line.figures if self._view.brushed is None else self._brushed_figures(line, end_s),
            self._measure.budget(phone) if self._measure.budget else None,
            hidden,
            is_stale(phone, self._link.now_s),
            is_recent(line.curve, self._view.span.gap_s),
        )

    def _brushed_figures(self, line: LongCurve, end_s: float) -> SeriesSummary | None:
        """Return the figures of what is selected alone."""
        points = zip(line.curve.ages_s, line.curve.values, strict=True)
        return figures([value for age_s, value in points if self._view.selects(end_s + age_s)])

    def _draw_region(self, end_s: float) -> None:
        brushed = self._view.brushed
        self._region.setVisible(brushed is not None)
        if brushed is not None:
            self._region.setRegion((brushed[0] - end_s, brushed[1] - end_s))

    def _draw_marks(self, snapshot: RackSnapshot, now_s: float) -> None:
        events = [
            event
            for event in snapshot.timeline
            if event.kind is not TimelineKind.INFO
            and 0 <= now_s - event.at_s <= self._view.length_s
        ][-_MARKS_SHOWN:]
        while len(self._marks) < len(events):
            mark = pyqtgraph.InfiniteLine(angle=90)
            self._marks.append(mark)
            self.plot.addItem(mark)
        for mark, event in zip(self._marks, events, strict=False):
            colour = self._mark_colour(event.kind)
            mark.setPen(pyqtgraph.mkPen(colour, width=1, style=Qt.PenStyle.DotLine))
            mark.setValue(event.at_s - now_s)
            mark.setToolTip(fact_text(event.fact))
        for index, mark in enumerate(self._marks):
            mark.setVisible(index < len(events))

    def _mark_colour(self, kind: TimelineKind) -> str:
        tokens = self._appearance.tokens
        routine = event_rank(kind) < ALARMING
        return tokens.line if routine else event_colour(kind, tokens)

    def _hover(self, serial: Serial | None) -> None:
        self._hovered = serial
        self.draw()

    def _point(self, position: QPointF) -> None:
        inside = self._box.sceneBoundingRect().contains(position)
        age_s = self._box.mapSceneToView(position).x()
        end_s = self._view.end_s(self._link.now_s)
        self._view.pointed.emit(end_s + age_s if inside else None)

    def _show_crosshair(self, at_s: float | None) -> None:
        self._line.setVisible(at_s is not None)
        if at_s is not None:
            self._line.setValue(at_s - self._view.end_s(self._link.now_s))

    def _arrange(self) -> None:
        item = self.plot.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        item.setMouseEnabled(x=False, y=False)
        item.disableAutoRange()
        self._show_axis()
        item.getAxis("left").setWidth(44)
        item.getAxis("left").enableAutoSIPrefix(False)
        item.getAxis("left").setLabel(self._measure.unit)
        item.showGrid(y=True, alpha=0.25)
        item.layout.setContentsMargins(0, 8, 20, 0)
        for line in (self._region, self._threshold, self._line):
            self.plot.addItem(line, ignoreBounds=True)
            line.setVisible(False)
        self.empty.setObjectName("muted")
        self.empty.setWordWrap(True)
        self.empty.move(_EMPTY_LEFT, 18)
        self.setMinimumSize(240, 84)
        layout = QHBoxLayout(self)
        layout.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.legend)

    def _show_axis(self) -> None:
        item, (left, right) = self.plot.getPlotItem(), self._view.ages
        item.setXRange(left, right, padding=0)
        ticks = [
            (age_s, self._view.span.tick_text(age_s) if age_s else tr("now"))
            for age_s in tick_ages((left, right))
            if age_s > left or not self._view.is_whole
        ]
        item.getAxis("bottom").setTicks([ticks])

    def _restyle(self) -> None:
        tokens = self._appearance.tokens
        self.plot.setBackground(tokens.raised)
        for name in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(name)
            axis.setPen(tokens.line)
            axis.setTextPen(tokens.muted)
            axis.setStyle(tickLength=-4, hideOverlappingLabels=False)
        dashed = pyqtgraph.mkPen(tokens.warn, width=1, style=Qt.PenStyle.DashLine)
        self._threshold.setPen(dashed)
        self._line.setPen(pyqtgraph.mkPen(tokens.muted, width=1))
        shade = QColor(tokens.accent)
        shade.setAlphaF(0.16)
        self._region.setBrush(shade)
        for edge in self._region.lines:
            edge.setPen(pyqtgraph.mkPen(tokens.accent, width=1))
        self._threshold.setToolTip(tr(self._measure.threshold_words))
        self._show_axis()
        self.draw()
