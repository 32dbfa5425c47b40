"""Several prompts asked at once, one a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from app.ui.looks.spoken import spoken, spoken_label
from app.words.requests import ask_all_text

MOST_PROMPTS: Final = 64


class PromptsDialog(QDialog):
    """Asks with the task and the sampling that are chosen; the first 64 lines count."""

    def __init__(self, ask: Callable[[Sequence[str]], object], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Ask several prompts")
        self._ask = ask
        self.lines = QPlainTextEdit()
        self.lines.setTabChangesFocus(True)
        spoken(self.lines.setAccessibleName, "Prompts, one a line")
        spoken(self.lines.setPlaceholderText, "In the beginning\nOnce upon a time")
        label = spoken_label("Prompts, one a line; all are written beside each other")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.all = buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        self.all.setObjectName("primary")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.lines.textChanged.connect(self._count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.addWidget(label)
        layout.addWidget(self.lines, 1)
        layout.addWidget(buttons, 0, Qt.AlignmentFlag.AlignRight)
        self.resize(520, 320)
        self._count()

    @property
    def prompts(self) -> list[str]:
        """What is asked for."""
        lines = (line.strip() for line in self.lines.toPlainText().splitlines())
        return [line for line in lines if line][:MOST_PROMPTS]

    def accept(self) -> None:
        """Ask, and close."""
        self._ask(self.prompts)
        super().accept()

    def _count(self) -> None:
        count = len(self.prompts)
        self.all.setEnabled(count > 0)
        spoken(self.all.setText, partial(ask_all_text, count))
