"""What happened in the last minute, on one strip with now at the right."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from app.rack.snapshot import TimelineEvent
from app.ui.looks.appearance import Appearance, tabular
from app.ui.looks.marks import event_colour, event_rank, mark_of_event
from app.ui.looks.shapes import paint_mark
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.ui.timeline.layout import labels_of, place_labels
from app.words.ages import seconds_text
from app.words.catalogue import tr
from app.words.sentences import fact_text
from app.words.states import clock_text

WINDOW_S = 60.0
_LANE_HEIGHT = 18
_AXIS_HEIGHT = 16


class TimelineStrip(QWidget):
    """Marks with short words; hovering tells the whole sentence."""

    def __init__(self, link: RackLink, appearance: Appearance) -> None:
        super().__init__()
        self._link = link
        self._appearance = appearance
        self._boxes: list[tuple[QRectF, TimelineEvent]] = []
        self.enlarge(1.0)
        spoken(self.setAccessibleName, "Timeline")
        link.ticked.connect(self._tick)
        appearance.changed.connect(self.update)

    def enlarge(self, scale: float) -> None:
        """Show everything larger, for a stage."""
        self._font = tabular(self.font(), scale=0.88 * scale)
        self._lane_height = _LANE_HEIGHT * scale
        self._axis_height = _AXIS_HEIGHT * scale
        self.setMinimumHeight(int(2 * self._lane_height + self._axis_height) + 8)
        self.update()

    def event(self, event: QEvent) -> bool:
        """Tell what happened under the pointer."""
        if isinstance(event, QHelpEvent):
            for box, what in self._boxes:
                if box.contains(event.pos()):
                    text = f"{clock_text(what.wall_ms)}  {fact_text(what.fact)}"
                    QToolTip.showText(event.globalPos(), text, self)
                    return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the strip."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        self._paint_axis(painter)
        self._boxes.clear()
        snapshot = self._link.snapshot
        now_s = self._link.now_s
        recent = [
            event
            for event in (snapshot.timeline if snapshot else ())
            if now_s - event.at_s <= WINDOW_S
        ]
        if not recent:
            painter.setPen(QColor(self._appearance.tokens.muted))
            words = tr("Moves, faults, audits and slashes of the last minute appear here.")
            painter.drawText(self._area(), Qt.AlignmentFlag.AlignCenter, words)
            return
        self._paint_events(painter, recent, now_s)

    def _tick(self) -> None:
        if self.isVisible():
            self.update()

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(12, 2, -12, -self._axis_height)

    def _x(self, age_s: float) -> float:
        area = self._area()
        return area.right() - area.width() * age_s / WINDOW_S

    def _paint_axis(self, painter: QPainter) -> None:
        tokens = self._appearance.tokens
        area = self._area()
        painter.setPen(QPen(QColor(tokens.line), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        for age_s in (60, 45, 30, 15, 0):
            x = self._x(age_s)
            painter.setPen(QPen(QColor(tokens.line), 1))
            painter.drawLine(int(x), int(area.bottom() - 3), int(x), int(area.bottom() + 3))
            painter.setPen(QColor(tokens.muted))
            words = tr("now") if age_s == 0 else seconds_text(age_s)
            box = QRectF(x - 60, area.bottom() + 2, 120, self._axis_height - 2)
            align = Qt.AlignmentFlag.AlignHCenter
            if age_s in (0, 60):
                box.moveLeft(x - 120 if age_s == 0 else x)
                align = Qt.AlignmentFlag.AlignRight if age_s == 0 else Qt.AlignmentFlag.AlignLeft
            painter.drawText(box, align, words)

    def _paint_events(self, painter: QPainter, events: list[TimelineEvent], now_s: float) -> None:
        metrics = QFontMetricsF(painter.font())
        area = self._area()
        lanes = max(int(area.height() // self._lane_height), 1)
        labels = labels_of([(fact_text(event.fact), event_rank(event.kind)) for event in events])
        widths = [self._lane_height + 4 + metrics.horizontalAdvance(label) for label in labels]
        starts = [
            min(self._x(now_s - event.at_s) - 6, area.right() - width)
            for event, width in zip(events, widths, strict=True)
        ]
        ranks = [event_rank(event.kind) for event in events]
        for index, lane in enumerate(place_labels(starts, widths, ranks, lanes, 10)):
            if lane is None:
                self._paint_tick(painter, events[index], now_s)
                continue
            top = area.bottom() - 4 - (lane + 1) * self._lane_height
            box = QRectF(starts[index], top, widths[index], self._lane_height - 2)
            self._paint_event(painter, events[index], labels[index], box)

    def _paint_event(
        self, painter: QPainter, event: TimelineEvent, label: str, box: QRectF
    ) -> None:
        colour = event_colour(event.kind, self._appearance.tokens)
        side = box.height() * 0.75
        mark = QRectF(box.left(), box.center().y() - side / 2, side, side)
        paint_mark(painter, mark, mark_of_event(event.kind), colour)
        painter.setPen(QColor(colour))
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(box.adjusted(side + 5, 0, 0, 0), left, label)
        self._boxes.append((box, event))

    def _paint_tick(self, painter: QPainter, event: TimelineEvent, now_s: float) -> None:
        x = self._x(now_s - event.at_s)
        area = self._area()
        painter.setPen(QPen(QColor(event_colour(event.kind, self._appearance.tokens)), 2))
        painter.drawLine(int(x), int(area.bottom() - 5), int(x), int(area.bottom()))
        self._boxes.append((QRectF(x - 4, area.bottom() - 8, 8, 12), event))
