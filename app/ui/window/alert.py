"""What could not be done, over the window's content: it pushes nothing from under the pointer."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink

_MARGIN: Final = 12
_WIDTH: Final = 720


class Alert(QFrame):
    """The newest thing that could not be done, until it is dismissed."""

    def __init__(self, link: RackLink, over: QWidget, below: QWidget) -> None:
        """Lie over a window, under one of its lines."""
        super().__init__(over)
        self._over, self._below = over, below
        self.setObjectName("alertCard")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        spoken(self.words.setAccessibleName, "What could not be done")
        self.copy_button, self.dismiss_button = QPushButton(), QPushButton()
        spoken(self.copy_button.setText, "Copy")
        spoken(self.dismiss_button.setText, "Dismiss")
        self.copy_button.clicked.connect(self._copy)
        self.dismiss_button.clicked.connect(self.hide)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.copy_button)
        buttons.addWidget(self.dismiss_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 10)
        layout.addWidget(self.words)
        layout.addLayout(buttons)
        self.hide()
        over.installEventFilter(self)
        link.failed.connect(self.show_line)

    def show_line(self, line: str) -> None:
        """Show one plain line."""
        self.words.setText(line)
        self.show()
        self._place()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Stay at the same place when the window changes its size."""
        if watched is self._over and event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _place(self) -> None:
        width = min(self._over.width() - 2 * _MARGIN, _WIDTH)
        self.setFixedWidth(width)
        self.adjustSize()
        top = self._below.mapTo(self._over, self._below.rect().bottomLeft()).y() + _MARGIN
        self.move(self._over.width() - width - _MARGIN, top)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.words.text())
