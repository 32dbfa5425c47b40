"""Verifies the ledger, or what a slash rests on: how long it has taken, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.ledger.ledger_process import LedgerProcess
from app.ui.looks.appearance import Appearance, colour_words
from app.ui.looks.spoken import spoken
from app.words.catalogue import Message, tr
from app.words.window import checking_for

_TICK_MS = 500
_WIDTH = 560


class CheckDialog(QDialog):
    """Begins at once in a process of its own; closing it ends that."""

    def __init__(
        self,
        title: Message,
        about: Message,
        command: Sequence[str],
        appearance: Appearance,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, title)
        self._appearance = appearance
        self._began_s = time.monotonic()
        explanation = QLabel()
        explanation.setObjectName("muted")
        explanation.setWordWrap(True)
        spoken(explanation.setText, about)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setTextFormat(Qt.TextFormat.PlainText)
        self.line.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        spoken(self.line.setAccessibleName, "What was found")
        self.copy_button, self.cancel, self.leave = QPushButton(), QPushButton(), QPushButton()
        spoken(self.copy_button.setText, "Copy")
        spoken(self.cancel.setText, "Cancel")
        spoken(self.leave.setText, "Close")
        self.copy_button.setEnabled(False)
        self.copy_button.clicked.connect(
            lambda: QGuiApplication.clipboard().setText(self.line.text())
        )
        self.leave.clicked.connect(self.reject)
        self._arrange(explanation)
        self._tick = QTimer(self, interval=_TICK_MS)
        self._tick.timeout.connect(self._say)
        self._tick.start()
        self.process = LedgerProcess(command, self)
        self.process.ended.connect(self._end)
        self.cancel.clicked.connect(self.process.cancel)
        self._say()
        self.resize(_WIDTH, self.sizeHint().height())

    def done(self, result: int) -> None:
        """Leave nothing behind, however it was closed."""
        self.process.stop_at_once()
        super().done(result)

    def _say(self) -> None:
        seconds = time.monotonic() - self._began_s
        spoken(self.line.setText, partial(checking_for, seconds))

    def _end(self, done: bool, words: str) -> None:  # noqa: FBT001 - a Qt slot
        self._tick.stop()
        self.bar.setRange(0, 1)
        self.bar.setValue(1)
        self.cancel.setEnabled(False)
        self.copy_button.setEnabled(bool(words))
        tokens = self._appearance.tokens
        colour_words(self.line, tokens.good if done else tokens.bad)
        spoken(self.line.setText, lambda: words or tr("Done."))

    def _arrange(self, explanation: QLabel) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy_button)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.leave)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(explanation)
        layout.addWidget(self.bar)
        layout.addWidget(self.line, 1)
        layout.addLayout(buttons)
