"""What a slash rests on, to read and to copy."""

from __future__ import annotations

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
from app.ui.wording import clock_text, credits_text


class EvidenceDialog(QDialog):
    """Opens beside the window and leaves it usable."""

    def __init__(self, slash: SlashRow, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(
            self.tr("Evidence of journal entry {entry}").format(entry=slash.sequence)
        )
        words = self.tr("{phone} lost {amount} at {time}.\n{reason}").format(
            phone=name,
            amount=credits_text(slash.amount),
            time=clock_text(slash.wall_ms),
            reason=slash.reason,
        )
        heading = QLabel(words)
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
