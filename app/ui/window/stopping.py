"""The small panel shown while phones are being stopped."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from app.words.catalogue import tr


class StoppingPanel(QFrame):
    """Lies in the middle of the window; the rest stays readable."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("stopping")
        heading = QLabel(tr("Stopping phones…"))
        font = heading.font()
        font.setPointSizeF(font.pointSizeF() * 1.25)
        font.setBold(True)
        heading.setFont(font)
        words = QLabel(
            tr("The ledger is being settled. The window closes after ten seconds at most.")
        )
        words.setObjectName("muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 20, 28, 20)
        for label in (heading, words):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        self.adjustSize()
        middle = window.rect().center() - self.rect().center()
        self.move(middle)
        self.show()
        self.raise_()
