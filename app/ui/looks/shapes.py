"""Small painted signs: state shapes, the fault flask and its hatching, the pin."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QPolygonF

from app.ui.looks.marks import Mark, Shield


def paint_mark(painter: QPainter, box: QRectF, mark: Mark, colour: str) -> None:
    """Paint a state's shape into a square box."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(QColor(colour), max(1.5, box.width() * 0.15))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inner = box.adjusted(1, 1, -1, -1)
    if mark is Mark.READY:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(inner)
    elif mark is Mark.WORKING:
        _ring(painter, inner, colour)
    elif mark is Mark.WAITING:
        painter.drawEllipse(inner)
    elif mark is Mark.FAULT:
        _triangle(painter, inner, colour)
    elif mark is Mark.SLASHED:
        painter.drawEllipse(inner)
        painter.drawLine(inner.bottomLeft(), inner.topRight())
    else:
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.bottomLeft(), inner.topRight())
    painter.restore()


def paint_flask(painter: QPainter, box: QRectF, colour: str) -> None:
    """Paint the flask that marks an injected fault."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    x, y, w, h = box.x(), box.y(), box.width(), box.height()
    path = QPainterPath(QPointF(x + 0.36 * w, y + 0.05 * h))
    for dx, dy in ((0.36, 0.42), (0.08, 0.95), (0.92, 0.95), (0.64, 0.42), (0.64, 0.05)):
        path.lineTo(x + dx * w, y + dy * h)
    painter.drawPath(path)
    painter.drawLine(QPointF(x + 0.24 * w, y + 0.05 * h), QPointF(x + 0.76 * w, y + 0.05 * h))
    fill = QPolygonF(
        [
            QPointF(x + dx * w, y + dy * h)
            for dx, dy in ((0.24, 0.66), (0.76, 0.66), (0.92, 0.95), (0.08, 0.95))
        ]
    )
    painter.setBrush(QColor(colour))
    painter.drawPolygon(fill)
    painter.restore()


def paint_pin(painter: QPainter, box: QRectF, colour: str, *, pinned: bool) -> None:
    """Paint a drawing pin, filled where it holds."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), 1.3))
    painter.setBrush(QColor(colour) if pinned else Qt.BrushStyle.NoBrush)
    x, y, w, h = box.x(), box.y(), box.width(), box.height()
    head = QRectF(x + 0.22 * w, y + 0.05 * h, 0.56 * w, 0.45 * h)
    painter.drawRoundedRect(head, 2, 2)
    painter.drawLine(QPointF(x + 0.1 * w, y + 0.58 * h), QPointF(x + 0.9 * w, y + 0.58 * h))
    painter.drawLine(QPointF(x + 0.5 * w, y + 0.6 * h), QPointF(x + 0.5 * w, y + 0.98 * h))
    painter.restore()


def paint_shield(painter: QPainter, box: QRectF, shield: Shield, colour: str) -> None:
    """Paint how much of an answer was checked: a shield, filled as far."""
    outline = _shield_outline(box)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if shield is not Shield.EMPTY:
        width = box.width() / 2 if shield is Shield.HALF else box.width()
        filled = QPainterPath()
        filled.addRect(QRectF(box.left(), box.top(), width, box.height()))
        painter.fillPath(outline.intersected(filled), QColor(colour))
    painter.setPen(QPen(QColor(colour), 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(outline)
    painter.restore()


def _shield_outline(box: QRectF) -> QPainterPath:
    x, y, w, h = box.x(), box.y(), box.width(), box.height()
    path = QPainterPath(QPointF(x + 0.5 * w, y))
    path.lineTo(x + w, y + 0.18 * h)
    path.lineTo(x + w, y + 0.5 * h)
    path.quadTo(x + 0.95 * w, y + 0.82 * h, x + 0.5 * w, y + h)
    path.quadTo(x + 0.05 * w, y + 0.82 * h, x, y + 0.5 * h)
    path.lineTo(x, y + 0.18 * h)
    path.closeSubpath()
    return path


def hatching(colour: str, *, alpha: int = 150) -> QBrush:
    """Return the diagonal hatching that marks faults and blocked spans."""
    ink = QColor(colour)
    ink.setAlpha(alpha)
    return QBrush(ink, Qt.BrushStyle.BDiagPattern)


def _ring(painter: QPainter, box: QRectF, colour: str) -> None:
    painter.drawEllipse(box)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    radius = box.width() * 0.2
    painter.drawEllipse(box.center(), radius, radius)


def _triangle(painter: QPainter, box: QRectF, colour: str) -> None:
    painter.setBrush(QColor(colour))
    top = QPointF(box.center().x(), box.top())
    painter.drawPolygon(QPolygonF([top, box.bottomRight(), box.bottomLeft()]))
