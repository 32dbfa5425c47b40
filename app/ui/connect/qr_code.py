"""A QR code as a widget: whole device pixels a module, black on white under every theme."""

from __future__ import annotations

import segno
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.looks.spoken import spoken

"""ISO/IEC 18004 asks for it around the code."""
_FADED = 0.12


class QrCode(QWidget):
    """Shows a text, or faintly the last one, which no camera reads."""

    def __init__(self) -> None:
        super().__init__()
        self._modules: tuple[tuple[bool, ...], ...] = ()
        self._readable = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        spoken(self.setAccessibleName, "Pairing QR code")

    @property
    def readable(self) -> bool:
        """Whether a phone may read the code."""
        return self._readable

    def show_text(self, text: str) -> None:
        """Draw a text from now on, faintly until it may be read."""
        code = segno.make(text, micro=False, error="m")
        rows = code.matrix_iter()
        self._modules = tuple(tuple(bool(module) for module in row) for row in rows)
        self.set_readable(readable=False)

    def set_readable(self, *, readable: bool) -> None:
        """Draw the code black, or so faint that it cannot be read."""
        self._readable = readable
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a size that a phone reads from an arm's length."""
        return QSize(294, 294)

    def module_pixels(self) -> int:
        """Return how many device pixels a module is wide; 0 where there is no room."""
        if not self._modules:
            return 0
        room = min(self.width(), self.height()) * self.devicePixelRatioF()
        return int(room) // len(self._modules)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the white card and the dark modules."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#ffffff"))
        painter.drawRoundedRect(QRectF(self.rect()), 8, 8)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        if not self._readable:
            painter.setOpacity(_FADED)
        self._paint_modules(painter)

    def _paint_modules(self, painter: QPainter) -> None:
        pixels, scale = self.module_pixels(), 1 / self.devicePixelRatioF()
        side = len(self._modules) * pixels
        left = (round(self.width() / scale) - side) // 2
        top = (round(self.height() / scale) - side) // 2
        painter.scale(scale, scale)
        ink = QColor("#000000")
        for y, row in enumerate(self._modules):
            for x, dark in enumerate(row):
                if dark:
                    painter.fillRect(left + x * pixels, top + y * pixels, pixels, pixels, ink)
