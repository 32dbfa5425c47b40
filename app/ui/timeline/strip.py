"""What happened, in lanes of like things over the charts' time axis."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.rack.snapshot import TimelineEvent
from app.ui.charts.time_view import TimeView
from app.ui.charts.window import tick_ages
from app.ui.looks.appearance import Appearance, tabular
from app.ui.looks.marks import event_colour, event_rank, mark_of_event
from app.ui.looks.shapes import paint_mark
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.ui.timeline.lanes import TimelineLane, lane_of, lane_word
from app.ui.timeline.layout import labels_of, place_labels
from app.words.catalogue import tr
from app.words.sentences import fact_text
from app.words.states import clock_text

_LANE_HEIGHT = 12
"""The least: a lane is as high as there is room for."""
_AXIS_HEIGHT = 16
_TITLES = 62
_FONT_SCALE = 0.84
_INK_SHARE = 0.85
"""Of a line's height that letters take."""
_LEAST_FONT_SHARE = 0.7
_DRAG_STARTS_PX = 4
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


class TimelineStrip(QWidget):
    """Hovering tells the whole sentence, arrows go from event to event, a drag selects a time."""

    def __init__(self, link: RackLink, appearance: Appearance, view: TimeView) -> None:
        super().__init__()
        self._link = link
        self._appearance = appearance
        self._view = view
        self._boxes: list[tuple[QRectF, TimelineEvent]] = []
        self._at: int | None = None
        """Sequence of the event that the arrows have reached."""
        self._pressed_x: float | None = None
        self._crosshair_s: float | None = None
        self.enlarge(1.0)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        spoken(self.setAccessibleName, "Timeline")
        spoken(
            self.setAccessibleDescription,
            "Left and right go from event to event, + and - zoom, Esc shows all again.",
        )
        link.ticked.connect(self._tick)
        view.changed.connect(self.update)
        view.pointed.connect(self._show_crosshair)
        appearance.changed.connect(self.update)

    def enlarge(self, scale: float) -> None:
        """Show everything larger, for a stage."""
        self._scale = scale
        self._axis_height = _AXIS_HEIGHT * scale
        self._fit_font()
        self.setMinimumHeight(int(len(TimelineLane) * _LANE_HEIGHT * scale + self._axis_height) + 4)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Write no larger than a lane is high."""
        super().resizeEvent(event)
        self._fit_font()

    def _fit_font(self) -> None:
        scale = _FONT_SCALE * self._scale
        line = QFontMetricsF(tabular(self.font(), scale=scale)).height() * _INK_SHARE
        fitting = min(max(self._lane_height / line, _LEAST_FONT_SHARE), 1.0)
        self._font = tabular(self.font(), scale=scale * fitting)

    def event(self, event: QEvent) -> bool:
        """Tell what happened under the pointer."""
        if isinstance(event, QHelpEvent):
            for box, what in reversed(self._boxes):
                if box.contains(event.pos()):
                    QToolTip.showText(event.globalPos(), told(what), self)
                    return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Zoom around the pointer."""
        around_s = self._age(event.position().x())
        closer = event.angleDelta().y() > 0
        self._view.zoom(self._link.now_s, closer=closer, around_s=around_s)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin to select."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed_x = event.position().x()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Select from where the button went down, and point at the same moment everywhere."""
        x, now_s = event.position().x(), self._link.now_s
        if self._pressed_x is not None and abs(x - self._pressed_x) >= _DRAG_STARTS_PX:
            self._view.brush(self._age(self._pressed_x), self._age(x), now_s)
        inside = self._area().left() <= x <= self._area().right()
        self._view.pointed.emit(self._view.end_s(now_s) + self._age(x) if inside else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """End the selection; a click alone lifts it."""
        pressed_x, self._pressed_x = self._pressed_x, None
        if pressed_x is not None and abs(event.position().x() - pressed_x) < _DRAG_STARTS_PX:
            self._view.brush(0.0, 0.0, self._link.now_s)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show all again."""
        del event
        self._view.show_all()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Point nowhere."""
        self._view.pointed.emit(None)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Go from event to event, zoom, show all again."""
        now_s = self._link.now_s
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_Right:
                self._step(1 if event.key() == Qt.Key.Key_Right else -1)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self._view.zoom(now_s, closer=True)
            case Qt.Key.Key_Minus:
                self._view.zoom(now_s, closer=False)
            case Qt.Key.Key_Escape:
                self._view.show_all()
            case _:
                super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the lanes and what happened in each."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        self._boxes.clear()
        self._paint_selection(painter)
        self._paint_axis(painter)
        events = self._events()
        if not events:
            painter.setPen(QColor(self._appearance.tokens.muted))
            words = tr("Texts, moves, faults, audits and slashes appear here as they happen.")
            wrapped = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self._area(), int(wrapped), words)
        for row, lane in enumerate(TimelineLane):
            self._paint_lane(painter, row, lane, [each for each in events if lane_of(each) is lane])

    def _events(self) -> list[TimelineEvent]:
        snapshot = self._link.snapshot
        end_s, (oldest, newest) = self._view.end_s(self._link.now_s), self._view.ages
        timeline = snapshot.timeline if snapshot else ()
        return [each for each in timeline if oldest <= each.at_s - end_s <= newest + 1e-6]

    def _tick(self) -> None:
        if self.isVisible() and not self._view.paused:
            self.update()

    def _show_crosshair(self, at_s: float | None) -> None:
        self._crosshair_s = at_s
        self.update()

    def _step(self, by: int) -> None:
        """Go to the next event that is shown, or the one before; tell it at its mark."""
        events = self._events()
        if not events:
            return
        numbers = [each.sequence for each in events]
        if self._at in numbers:
            index = min(max(numbers.index(self._at) + by, 0), len(events) - 1)
        else:
            index = len(events) - 1
        reached = events[index]
        self._at = reached.sequence
        self.setAccessibleDescription(told(reached))
        self._view.pointed.emit(reached.at_s)
        age_s = reached.at_s - self._view.end_s(self._link.now_s)
        point = QPointF(self._x(age_s), self._lane_top(list(TimelineLane).index(lane_of(reached))))
        QToolTip.showText(self.mapToGlobal(point.toPoint()), told(reached), self)
        self.update()

    def _area(self) -> QRectF:
        titles = _TITLES * self._scale
        return QRectF(self.rect()).adjusted(12 + titles, 2, -12, -self._axis_height)

    def _x(self, age_s: float) -> float:
        area, (oldest, newest) = self._area(), self._view.ages
        return area.left() + area.width() * (age_s - oldest) / (newest - oldest)

    def _age(self, x: float) -> float:
        area, (oldest, newest) = self._area(), self._view.ages
        share = (x - area.left()) / max(area.width(), 1.0)
        return oldest + min(max(share, 0.0), 1.0) * (newest - oldest)

    def _lane_top(self, row: int) -> float:
        return self._area().top() + self._lane_height * row

    @property
    def _lane_height(self) -> float:
        return self._area().height() / len(TimelineLane)

    def _paint_axis(self, painter: QPainter) -> None:
        tokens, area, span = self._appearance.tokens, self._area(), self._view.span
        painter.setPen(QPen(QColor(tokens.line), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        for age_s in tick_ages(self._view.ages):
            x = self._x(age_s)
            painter.setPen(QPen(QColor(tokens.line), 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom() + 3))
            painter.setPen(QColor(tokens.muted))
            words = span.tick_text(age_s) if age_s else tr("now")
            box = QRectF(x - 60, area.bottom() + 2, 120, self._axis_height - 2)
            align = Qt.AlignmentFlag.AlignHCenter
            if x > area.right() - 20:
                box.moveRight(x)
                align = Qt.AlignmentFlag.AlignRight
            painter.drawText(box, align, words)

    def _paint_selection(self, painter: QPainter) -> None:
        tokens, area, end_s = self._appearance.tokens, self._area(), self._view.end_s(self._now_s)
        if self._view.brushed is not None:
            left, right = (self._x(at_s - end_s) for at_s in self._view.brushed)
            shade = QColor(tokens.accent)
            shade.setAlphaF(0.16)
            box = QRectF(left, area.top(), right - left, area.height())
            painter.fillRect(box.intersected(area), shade)
        if self._crosshair_s is not None:
            x = self._x(self._crosshair_s - end_s)
            if area.left() <= x <= area.right():
                painter.setPen(QPen(QColor(tokens.muted), 1))
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))

    @property
    def _now_s(self) -> float:
        return self._link.now_s

    def _paint_lane(
        self, painter: QPainter, row: int, lane: TimelineLane, events: list[TimelineEvent]
    ) -> None:
        tokens, area, height = self._appearance.tokens, self._area(), self._lane_height
        top = self._lane_top(row)
        painter.setPen(QPen(QColor(tokens.line), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(area.left(), top + height), QPointF(area.right(), top + height))
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QRectF(12, top, area.left() - 16, height), _LEFT, lane_word(lane))
        metrics, side = QFontMetricsF(self._font), min(height * 0.8, 12 * self._scale)
        labels = labels_of([(fact_text(each.fact), event_rank(each.kind)) for each in events])
        end_s = self._view.end_s(self._now_s)
        marks = [self._x(each.at_s - end_s) - area.left() for each in events]
        widths = [metrics.horizontalAdvance(label) if label else 0.0 for label in labels]
        ranks = [event_rank(each.kind) for each in events]
        starts = place_labels(marks, widths, ranks, area.width(), side / 2 + 4)
        for event, mark, start, width, label in zip(
            events, marks, starts, widths, labels, strict=True
        ):
            box = QRectF(area.left() + mark - side / 2, top + (height - side) / 2, side, side)
            words = QRectF() if start is None else QRectF(area.left() + start, top, width, height)
            self._paint_event(painter, event, box, words, label)

    def _paint_event(
        self, painter: QPainter, event: TimelineEvent, box: QRectF, words: QRectF, label: str
    ) -> None:
        tokens = self._appearance.tokens
        colour = event_colour(event.kind, tokens)
        paint_mark(painter, box, mark_of_event(event.kind), colour)
        if event.sequence == self._at and self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(box.adjusted(-2, -2, 2, 2))
        if not words.isEmpty():
            painter.setPen(QColor(colour))
            painter.drawText(words.adjusted(0, 0, 4, 0), _LEFT, label)
            self._boxes.append((words, event))
        self._boxes.append((box.adjusted(-2, -2, 2, 2), event))


def told(event: TimelineEvent) -> str:
    """Return when something happened, and what."""
    return f"{clock_text(event.wall_ms)}  {fact_text(event.fact)}"
