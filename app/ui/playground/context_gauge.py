"""How much of the model's context a text or conversation has used."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.rack.snapshot import RequestSnapshot
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import spoken
from app.words.requests import context_text

_SIZE = QSize(64, 8)
_NEARLY_FULL, _FULL = 0.8, 0.95


class ContextGauge(QWidget):
    """A bar; hidden while nothing is known. Its colour says that the end is near, its words how."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self.share = 0.0
        """From 0 to 1."""
        self.setFixedSize(_SIZE)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_request(self, request: RequestSnapshot | None, room: int) -> None:
        """Show what a request has used of so many tokens."""
        used = request.prompt_tokens + len(request.token_ids) if request else 0
        known = room > 0 and request is not None and request.prompt_tokens > 0
        self.setVisible(known)
        share = min(used / room, 1.0) if known else 0.0
        if share != self.share:
            self.share = share
            words = partial(context_text, used, room)
            spoken(self.setToolTip, words)
            spoken(self.setAccessibleName, words)
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the bar."""
        tokens, painter = self._appearance.tokens, QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.line))
        colour = tokens.accent
        if self.share >= _NEARLY_FULL:
            colour = tokens.bad if self.share >= _FULL else tokens.warn
        used = self.rect()
        used.setWidth(max(round(used.width() * self.share), 2))
        painter.fillRect(used, QColor(colour))
