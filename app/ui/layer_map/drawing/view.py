"""The map itself: shows the editor's state, turns mouse drags into previews and single edits."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QShowEvent,
    QTransform,
)
from PySide6.QtWidgets import QFrame, QGraphicsItem, QGraphicsView, QWidget

from app.core.identifiers import Serial
from app.ui.layer_map.drawing.bar_item import BarItem, FreePhoneItem
from app.ui.layer_map.drawing.carrying import Carrying
from app.ui.layer_map.drawing.drag import BarDrag, Drag, FreePhoneDrag, SeamDrag
from app.ui.layer_map.drawing.geometry import MapGeometry, lay_out
from app.ui.layer_map.drawing.scene import NAME_SCALE, SCENE_HEIGHT, MapScene
from app.ui.layer_map.drawing.seam_item import SeamItem
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.layer_map.state import BarMeasure, MapState
from app.ui.looks.appearance import Appearance, tabular
from app.ui.looks.spoken import spoken
from app.words.catalogue import Message, message, tr
from app.words.states import phone_name

_END_WIDTH = 40.0
_MINIMUM_BAR = 58.0
_SIGNS_OF_BAR = 64.0
"""Width that a bar needs beside its phone's name, for its signs and edges."""
_BARS_SHARE = 0.7
"""Bars are as wide as their names where that takes no more of the map, else in proportion."""
_MINIMUM_HOP = 16.0
_DRAG_STARTS_PX = 4
_LOW_WINDOW_PX = 800
"""A lower window would grow beyond its screen by a row of free phones: they are scrolled to."""


class LayerMapView(QGraphicsView):
    """While something is dragged the cells stay where they were when it was taken hold of."""

    shown = Signal()
    menu_asked = Signal(str, QPoint)
    """For the layers of a phone, where the pointer is on the screen."""

    def __init__(
        self, editor: AssignmentEditor, appearance: Appearance, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._appearance = appearance
        self._measure = BarMeasure.TIME
        self._drag: Drag | None = None
        self._carried: Serial | None = None
        self.carrying: Carrying | None = None
        self._scale = 1.0
        self._pressed_at = QPointF()
        self._map = MapScene()
        self.layout_shown: MapGeometry | None = None
        self.state_shown: MapState | None = None
        self.setScene(self._map)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        spoken(self.setAccessibleName, "Layer map")
        spoken(self.setAccessibleDescription, "The assignment table holds the same, with keys.")
        self._fit_height(SCENE_HEIGHT)
        editor.changed.connect(self.refresh)
        appearance.changed.connect(self.refresh)

    def set_measure(self, measure: BarMeasure) -> None:
        """Choose what the width of a bar stands for."""
        self._measure = measure
        self.refresh()

    def enlarge(self, scale: float) -> None:
        """Show everything larger, for a stage."""
        self._scale = scale
        self.setTransform(QTransform.fromScale(scale, scale))
        self._fit_height(self._map.least_height)
        self.refresh()

    def place_dot(self, x: float | None) -> None:
        """Put the travelling dot on the bars, or take it away."""
        self._map.place_dot(x)

    def refresh(self) -> None:
        """Show the editor's state."""
        if not self.isVisible():
            return
        tokens = self._appearance.tokens
        state = self._editor.state()
        self.state_shown = state
        if state is None:
            words = tr("The layers appear here once the phones are measured and a plan is made.")
            self._map.show_text(words, tokens.muted, self.font())
            return
        if self._drag is None or self.layout_shown is None:
            self.layout_shown = self._lay_out(state)
        room = self.viewport().height() / self._scale
        font, carried = self.font(), self._carried
        self._map.show_state(state, self.layout_shown, tokens, font, carried, room)
        self._fit_height(self._map.least_height)
        self.shown.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take hold of a seam, a bar or a free phone; a click on the pin toggles it."""
        item = self.itemAt(event.position().toPoint())
        self._pressed_at = self.mapToScene(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or self.state_shown is None:
            super().mousePressEvent(event)
        elif isinstance(item, BarItem) and self._on_pin(item):
            self._editor.toggle_pin(item.content.serial)
        else:
            self._take_hold(item)
            self.refresh()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Preview what a drop here would request."""
        point = self.mapToScene(event.position().toPoint())
        far = (point - self._pressed_at).manhattanLength() >= _DRAG_STARTS_PX
        if self._drag is None:
            super().mouseMoveEvent(event)
        elif far or self._editor.previewing:
            self._editor.preview(self._drag.assignment_at(point.x(), point.y()))
            self._carry(point, event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Drop: one undoable step."""
        point = self.mapToScene(event.position().toPoint())
        drag, words = self._drag, self._words()
        self._let_go()
        if drag is not None and self._editor.previewing:
            self._editor.commit(drag.assignment_at(point.x(), point.y()), words)
        else:
            self.refresh()
            super().mouseReleaseEvent(event)

    def drawForeground(  # noqa: N802 - Qt's name
        self, painter: QPainter, rect: QRectF | QRect
    ) -> None:
        """Paint the places that take a carried phone over everything."""
        super().drawForeground(painter, rect)
        if self.carrying is not None:
            self.carrying.paint_targets(painter)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Esc cancels a drag."""
        if event.key() == Qt.Key.Key_Escape and self._drag is not None:
            self._let_go()
            self._editor.preview(None)
            self.refresh()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Offer what can be done with the layers under the pointer."""
        item = self.itemAt(event.pos())
        if isinstance(item, BarItem) and self._drag is None:
            self.menu_asked.emit(item.content.serial, event.globalPos())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Lay out for the new width."""
        super().resizeEvent(event)
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Catch up with what happened while hidden."""
        super().showEvent(event)
        self.refresh()

    def _on_pin(self, bar: BarItem) -> bool:
        box = bar.pin_box()
        point = bar.mapFromScene(self._pressed_at)
        return not box.isEmpty() and box.adjusted(-4, -4, 4, 4).contains(point)

    def _take_hold(self, item: QGraphicsItem | None) -> None:
        layout, state = self.layout_shown, self.state_shown
        if layout is None or state is None:
            return
        lane = self._map.lane()
        if isinstance(item, SeamItem):
            self._drag = SeamDrag(state.shown, layout, item.seam)
        elif isinstance(item, BarItem):
            self._carried = item.content.serial
            self._drag = BarDrag(state.shown, layout, lane, item.content.serial)
        elif isinstance(item, FreePhoneItem) and item.usable:
            self._carried = item.serial
            self._drag = FreePhoneDrag(state.shown, layout, lane, item.serial)

    def _carry(self, point: QPointF, event: QMouseEvent) -> None:
        state = self.state_shown
        if not isinstance(self._drag, BarDrag | FreePhoneDrag) or state is None:
            return
        if self.carrying is None:
            tokens = self._appearance.tokens
            self.carrying = Carrying(self._drag, state, self.window(), tokens)
        pointer = self.window().mapFromGlobal(event.globalPosition().toPoint())
        self.carrying.move(point, pointer)
        self.viewport().update()

    def _let_go(self) -> None:
        self._drag = None
        self._carried = None
        if self.carrying is not None:
            self.carrying.end()
            self.carrying = None
            self.viewport().update()

    def _fit_height(self, scene_height: float) -> None:
        if self._drag is None:
            low = self.window().height() < _LOW_WINDOW_PX
            least = SCENE_HEIGHT if low else scene_height
            self.setMinimumHeight(int(least * self._scale) + 10)

    def _words(self) -> Message:
        if isinstance(self._drag, SeamDrag):
            return message("Move boundary")
        return message("Move phone")

    def _lay_out(self, state: MapState) -> MapGeometry:
        width = self.viewport().width() / self._scale - 10.0
        return lay_out(
            state.shown,
            state.weights(self._measure),
            width,
            end_width=_END_WIDTH,
            minimum_bars=self._named_widths(state, width),
            hops=state.hops() if self._measure is BarMeasure.TIME else (),
            minimum_hop=_MINIMUM_HOP,
        )

    def _named_widths(self, state: MapState, width: float) -> list[float]:
        """Return how wide each bar should be at least for its phone's name to be read."""
        metrics = QFontMetricsF(tabular(self.font(), scale=NAME_SCALE, bold=True))
        phones = (state.phones.get(stage.serial) for stage in state.shown.stages)
        names = (phone_name(phone) if phone else "?" for phone in phones)
        wanted = [metrics.horizontalAdvance(name) + _SIGNS_OF_BAR for name in names]
        scale = min(1.0, _BARS_SHARE * width / sum(wanted))
        return [max(_MINIMUM_BAR, each * scale) for each in wanted]
