"""The handle between two bars, and the dot that travels with the text."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsSceneHoverEvent,
    QStyleOptionGraphicsItem,
    QWidget,
)

from app.ui.layer_map.drawing.bar_item import BAR_HEIGHT
from app.ui.looks.tokens import Tokens

_GRIP = 14.0


class SeamItem(QGraphicsItem):
    """A seam to drag; its origin is the middle of its top end."""

    def __init__(self, seam: int, tokens: Tokens) -> None:
        super().__init__()
        self.seam = seam
        self._tokens = tokens
        self._lit = False
        self.setAcceptHoverEvents(True)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setZValue(2)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the part that can be gripped."""
        return QRectF(-_GRIP / 2, -8, _GRIP, BAR_HEIGHT + 16)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,  # noqa: ARG002 - Qt's signature
        widget: QWidget | None = None,  # noqa: ARG002 - Qt's signature
    ) -> None:
        """Paint the grip, brighter under the pointer."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(self._tokens.accent if self._lit else self._tokens.muted)
        painter.setPen(QPen(Qt.PenStyle.NoPen))
        painter.setBrush(colour)
        width = 4.0 if self._lit else 3.0
        painter.drawRoundedRect(QRectF(-width / 2, 10, width, BAR_HEIGHT - 20), 1.5, 1.5)
        if self._lit:
            painter.drawRect(QRectF(-0.5, -8, 1, BAR_HEIGHT + 16))

    def hoverEnterEvent(self, event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Light up."""
        self._light(lit=True)
        super().hoverEnterEvent(event)

    def hoverLeaveEvent(self, event: QGraphicsSceneHoverEvent) -> None:  # noqa: N802 - Qt's name
        """Dim again."""
        self._light(lit=False)
        super().hoverLeaveEvent(event)

    def _light(self, *, lit: bool) -> None:
        self._lit = lit
        self.update()


class DotItem(QGraphicsItem):
    """A small bright dot on the bars' lower edge."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens
        self.setZValue(3)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the dot's extent."""
        return QRectF(-6, -6, 12, 12)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,  # noqa: ARG002 - Qt's signature
        widget: QWidget | None = None,  # noqa: ARG002 - Qt's signature
    ) -> None:
        """Paint the dot with a rim that sets it off from any bar."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._tokens.raised), 2))
        painter.setBrush(QColor(self._tokens.text))
        painter.drawEllipse(QRectF(-5, -5, 10, 10))
