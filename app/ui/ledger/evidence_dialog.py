"""What a slash rests on, to read and to copy."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.ledger.views.snapshot import SlashRow
from app.ui.ledger.columns import evidence_text
from app.ui.looks.spoken import spoken
from app.words.window import evidence_title, slash_text


class EvidenceDialog(QDialog):
    """Opens beside the window and leaves it usable."""

    def __init__(self, slash: SlashRow, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, partial(evidence_title, slash))
        heading = QLabel()
        spoken(heading.setText, partial(slash_text, slash, name))
        heading.setWordWrap(True)
        self.evidence = QPlainTextEdit(evidence_text(slash.evidence))
        self.evidence.setReadOnly(True)
        self.evidence.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(heading)
        layout.addWidget(self.evidence, 1)
        layout.addWidget(buttons)
        self.resize(620, 420)
