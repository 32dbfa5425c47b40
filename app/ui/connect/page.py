"""What the pages of the connect window have in common."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget


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


def words_label(text: str) -> QLabel:
    """Return words that wrap, rich text where they are."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    return label


def steps_label(*steps: str) -> QLabel:
    """Return numbered steps."""
    items = "".join(f"<li style='margin-bottom:7px'>{step}</li>" for step in steps)
    return words_label(f"<ol style='margin-left:-22px'>{items}</ol>")
