"""The way from one bar to the next: as long as the crossing takes, its time below."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.ui.layer_map.drawing.bar_item import BAR_HEIGHT, LABEL_HEIGHT
from app.ui.looks.tokens import Tokens

_HEAD = 4.0
_MARGIN = 6.0


@dataclass(frozen=True)
class HopContent:
    """What is painted of one way."""

    time: str
    explanation: str
    leads_back: bool
    """Whether it ends at the first bar again."""


class HopItem(QGraphicsItem):
    """An arrow in the gap; its origin is the right end of the bar it comes from."""

    def __init__(self, tokens: Tokens, font: QFont) -> None:
        super().__init__()
        self._tokens = tokens
        self._font = font
        self._content = HopContent("", "", leads_back=False)
        self._width = 0.0

    def show_content(self, content: HopContent, width: float) -> None:
        """Paint another way from now on."""
        if (content, width) == (self._content, self._width):
            return
        self.prepareGeometryChange()
        self._content, self._width = content, width
        self.setVisible(width > 0)
        self.setToolTip(content.explanation)
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the extent of the arrow and its label."""
        return QRectF(0, 0, max(self._width, 1.0), BAR_HEIGHT + LABEL_HEIGHT + 2)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,  # noqa: ARG002 - Qt's signature
        widget: QWidget | None = None,  # noqa: ARG002 - Qt's signature
    ) -> None:
        """Paint the arrow, and the time where there is room."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._tokens.muted), 1.5, Qt.PenStyle.DotLine))
        height, start, end = BAR_HEIGHT / 2, 3.0, self._width - 3.0
        if end - start < 2 * _HEAD:
            return
        painter.drawLine(QPointF(start, height), QPointF(end, height))
        painter.setPen(QPen(QColor(self._tokens.muted), 1.5))
        self._paint_head(painter, end, height)
        self._paint_time(painter)

    def _paint_head(self, painter: QPainter, end: float, height: float) -> None:
        if self._content.leads_back:
            painter.drawLine(QPointF(end, height - _HEAD), QPointF(end, height + _HEAD))
            return
        for side in (-_HEAD, _HEAD):
            painter.drawLine(QPointF(end - _HEAD, height + side), QPointF(end, height))

    def _paint_time(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(self._font)
        if metrics.horizontalAdvance(self._content.time) > self._width - _MARGIN:
            return
        painter.setFont(self._font)
        box = QRectF(0, BAR_HEIGHT + 3, self._width, LABEL_HEIGHT)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._content.time)
