"""A key that was just made: shown once, to be copied."""

from __future__ import annotations

from functools import partial

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout

from app.ui.looks.spoken import spoken
from app.words.pages.serve import made_text


class MadeKey(QFrame):
    """Hidden until there is one; gone with the page, or once that key is revoked."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self._name = ""
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.key = QLineEdit()
        self.key.setReadOnly(True)
        spoken(self.key.setAccessibleName, "The key that was made")
        self.copy = QPushButton()
        spoken(self.copy.setText, "Copy")
        self.copy.clicked.connect(self._copy)
        line = QHBoxLayout()
        line.addWidget(self.key, 1)
        line.addWidget(self.copy)
        layout = QVBoxLayout(self)
        layout.addWidget(self.words)
        layout.addLayout(line)
        self.hide()

    def show_key(self, name: str, key: str) -> None:
        """Show a key, its text selected."""
        self._name = name
        spoken(self.words.setText, partial(made_text, name))
        self.key.setText(key)
        self.show()
        self.key.setFocus()
        self.key.selectAll()

    def forget(self, name: str) -> None:
        """Show it no more, where it is that one."""
        if name == self._name:
            self.key.clear()
            self.hide()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.key.text())
