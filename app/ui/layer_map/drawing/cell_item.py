"""The row of cells: embedding, one per layer, head."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.ui.layer_map.drawing.geometry import MapGeometry
from app.ui.looks.tokens import Tokens
from app.words.catalogue import tr

CELL_HEIGHT = 20.0
_NUMBER_WIDTH = 15.0


class CellItem(QGraphicsItem):
    """Thin cells with the layer numbers, thinned out where they would touch."""

    def __init__(self, geometry: MapGeometry, tokens: Tokens, font: QFont) -> None:
        super().__init__()
        self._geometry = geometry
        self._tokens = tokens
        self._font = font

    def show_geometry(self, geometry: MapGeometry) -> None:
        """Paint other cells from now on."""
        if geometry != self._geometry:
            self.prepareGeometryChange()
            self._geometry = geometry
            self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the row's extent."""
        width = self._geometry.right - self._geometry.left
        return QRectF(self._geometry.left, 0, width, CELL_HEIGHT)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,  # noqa: ARG002 - Qt's signature
        widget: QWidget | None = None,  # noqa: ARG002 - Qt's signature
    ) -> None:
        """Paint the cells."""
        painter.setFont(self._font)
        geometry = self._geometry
        cells = list(zip(geometry.lefts, geometry.rights, strict=True))
        self._cell(painter, geometry.left, geometry.lefts[0], tr("emb"))
        self._cell(painter, geometry.rights[-1], geometry.right, tr("head"))
        narrowest = min(right - left for left, right in cells)
        step = max(1, round(_NUMBER_WIDTH / max(narrowest, 1.0)))
        for layer, (left, right) in enumerate(cells):
            self._cell(painter, left, right, str(layer) if layer % step == 0 else "")

    def _cell(self, painter: QPainter, left: float, right: float, text: str) -> None:
        gap = 1.0 if right - left > 4 else 0.25
        box = QRectF(left + gap, 1, right - left - 2 * gap, CELL_HEIGHT - 3)
        painter.setPen(QPen(Qt.PenStyle.NoPen))
        painter.setBrush(QColor(self._tokens.surface))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(self._tokens.muted))
        wide = box.adjusted(-8, 0, 8, 0)
        painter.drawText(wide, Qt.AlignmentFlag.AlignCenter, text)
