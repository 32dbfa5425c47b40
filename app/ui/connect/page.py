"""What the pages of the connect window have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.ui.looks.spoken import spoken
from app.words.catalogue import Message, tr


class Page(QWidget):
    """Begins when it is shown and ends when it is left."""

    def __init__(self) -> None:
        super().__init__()
        self.heading = QLabel()
        font = self.heading.font()
        font.setPointSizeF(font.pointSizeF() * 1.2)
        font.setBold(True)
        self.heading.setFont(font)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(22, 4, 4, 0)
        self.column.setSpacing(12)
        self.column.addWidget(self.heading)

    def begin(self) -> None:
        """Start what the page does by itself."""

    def end(self) -> None:
        """Stop it."""


def words_label(words: Message | Callable[[], str]) -> QLabel:
    """Return words that wrap, rich text where they are."""
    label = QLabel()
    spoken(label.setText, words)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    return label


def steps_label(*steps: Message) -> QLabel:
    """Return numbered steps."""
    return words_label(partial(_numbered, steps))


def _numbered(steps: Sequence[Message]) -> str:
    items = "".join(f"<li style='margin-bottom:7px'>{tr(step)}</li>" for step in steps)
    return f"<ol style='margin-left:-22px'>{items}</ol>"
