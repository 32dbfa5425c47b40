"""Carrying a phone over the map: its ghost at the pointer, the places that take it lit."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.core.identifiers import Serial
from app.ui.layer_map.drawing.drag import BarDrag, DropKind, FreePhoneDrag
from app.ui.layer_map.drawing.ghost import Ghost, GhostContent, drop_words
from app.ui.layer_map.state import MapState
from app.ui.looks.tokens import Tokens, blend, phone_colour
from app.words.states import phone_name


class Carrying:
    """From the moment a phone is lifted until it is dropped or put back."""

    def __init__(
        self, drag: BarDrag | FreePhoneDrag, state: MapState, window: QWidget, tokens: Tokens
    ) -> None:
        self._drag = drag
        self._phones = state.phones
        self._tokens = tokens
        self.ghost = Ghost(window, tokens)
        self.lit: Serial | None = None
        self.targets = self._places()

    def move(self, point: QPointF, pointer: QPoint) -> None:
        """Follow the pointer: `point` is in the scene, `pointer` in the window."""
        drop = self._drag.drop_at(point.x(), point.y())
        self.lit = drop.serial if drop.serial in self.targets else None
        phone = self._phones[self._drag.serial]
        other = self._phones.get(drop.serial) if drop.serial else None
        content = GhostContent(
            name=phone_name(phone),
            caption=drop_words(drop.kind, phone_name(other) if other else ""),
            colour=phone_colour(self._tokens, phone.position),
            takes_away=drop.kind is DropKind.FREE,
        )
        self.ghost.carry(content, pointer)

    def paint_targets(self, painter: QPainter) -> None:
        """Frame the places that take the phone, in scene coordinates; the one pointed at glows."""
        tokens = self._tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for serial, box in self.targets.items():
            lit = serial == self.lit
            colour = blend(tokens.line, tokens.accent, 1.0 if lit else 0.5)
            glow = QColor(tokens.accent)
            glow.setAlpha(60 if lit else 0)
            painter.setPen(QPen(QColor(colour), 3.0 if lit else 1.5))
            painter.setBrush(glow)
            painter.drawRoundedRect(box.adjusted(-3, -3, 3, 3), 9, 9)

    def end(self) -> None:
        """Take the ghost away."""
        self.ghost.hide()
        self.ghost.deleteLater()

    def _places(self) -> Mapping[Serial, QRectF]:
        drag, lane = self._drag, self._drag.lane
        places = {}
        for stage in drag.original.stages:
            if isinstance(drag, BarDrag) and stage.serial in lane.unusable:
                continue
            left, right = drag.geometry.span(stage)
            places[stage.serial] = QRectF(
                left + 2, lane.top, right - left - 4, lane.bottom - lane.top
            )
        if isinstance(drag, BarDrag):
            for serial, (left, top, right, bottom) in lane.free.items():
                if serial not in lane.unusable:
                    places[serial] = QRectF(left, top, right - left, bottom - top)
        places.pop(drag.serial, None)
        return places
