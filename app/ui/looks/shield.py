"""The mark beside an answer: how much of it was checked."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.looks.marks import Shield
from app.ui.looks.shapes import paint_shield

_SIDE_PX = 16


class ShieldMark(QWidget):
    """Hidden where there is nothing to say; screen readers hear the words beside it instead."""

    def __init__(self) -> None:
        super().__init__()
        self.shield: Shield | None = None
        self.colour = ""
        self.setFixedSize(_SIDE_PX, _SIDE_PX)

    def show_shield(self, shield: Shield | None, colour: str) -> None:
        """Show a shield in that colour from now on, or none."""
        self.setVisible(shield is not None)
        if (shield, colour) != (self.shield, self.colour):
            self.shield, self.colour = shield, colour
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the shield."""
        del event
        if self.shield is not None:
            box = QRectF(self.rect()).adjusted(1.5, 1, -1.5, -1)
            paint_shield(QPainter(self), box, self.shield, self.colour)
