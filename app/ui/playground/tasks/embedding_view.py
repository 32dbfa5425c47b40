"""A text as a vector: a strip of its numbers, how long it is, how near the one before."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.rack.snapshot import RequestSnapshot
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import said, spoken
from app.ui.looks.tokens import blend
from app.words.requests import likeness_text, vector_text

_STRIP_HEIGHT = 30


class EmbeddingView(QWidget):
    """Remembers the vector before, so that two texts can be compared."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._shown: RequestSnapshot | None = None
        self._before: RequestSnapshot | None = None
        self.strip = EmbeddingStrip(appearance)
        self.words = QLabel()
        self.likeness = QLabel()
        self.likeness.setObjectName("muted")
        self.copy = QPushButton()
        spoken(self.copy.setText, "Copy")
        spoken(self.copy.setToolTip, "All numbers, as a JSON list.")
        self.copy.clicked.connect(self._copy)
        line = QHBoxLayout()
        line.addWidget(self.words)
        line.addSpacing(16)
        line.addWidget(self.likeness, 1)
        line.addWidget(self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.strip)
        layout.addLayout(line)
        layout.addStretch(1)

    def show_request(self, request: RequestSnapshot) -> None:
        """Show a request's vector once it is there; until then the one before stays."""
        shown = self._shown
        if not request.embedding or (shown and shown.identifier == request.identifier):
            return
        self._before, self._shown = shown, request
        self.strip.show_vector(request.embedding)
        said(self, "lines", EmbeddingView._say_lines)

    def _say_lines(self) -> None:
        before, vector = self._before, self._shown.embedding if self._shown else ()
        self.words.setText(vector_text(len(vector), math.hypot(*vector)))
        like = before is not None and len(before.embedding) == len(vector)
        self.likeness.setText(
            likeness_text(cosine(before.embedding, vector), before.prompt)
            if before is not None and like
            else ""
        )

    def _copy(self) -> None:
        if self._shown is not None:
            QGuiApplication.clipboard().setText(json.dumps(self._shown.embedding))


class EmbeddingStrip(QWidget):
    """One thin cell a number: one colour above zero, another below, stronger further away."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._vector: tuple[float, ...] = ()
        self.setFixedHeight(_STRIP_HEIGHT)
        spoken(self.setAccessibleName, "Embedding")
        appearance.changed.connect(self.update)

    def show_vector(self, vector: Sequence[float]) -> None:
        """Show a vector."""
        self._vector = tuple(vector)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Stretch one pixel a number over the width."""
        del event
        if not self._vector:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, on=False)
        painter.drawImage(QRectF(self.rect()), self._picture())

    def _picture(self) -> QImage:
        tokens = self._appearance.tokens
        largest = max(map(abs, self._vector)) or 1.0
        picture = QImage(len(self._vector), 1, QImage.Format.Format_RGB32)
        for place, number in enumerate(self._vector):
            colour = tokens.accent if number >= 0 else tokens.warn
            picture.setPixelColor(
                place, 0, QColor(blend(tokens.raised, colour, abs(number) / largest))
            )
        return picture


def cosine(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the cosine of the angle between two vectors of one size; 0 where one has no length."""
    product = sum(a * b for a, b in zip(first, second, strict=True))
    lengths = math.hypot(*first) * math.hypot(*second)
    return product / lengths if lengths else 0.0
