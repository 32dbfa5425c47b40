"""What a slash rests on, to read and to copy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.ledger.views.snapshot import SlashRow
from app.ui.looks.spoken import spoken
from app.words.catalogue import tr
from app.words.pages.evidence import evidence_source, evidence_text
from app.words.window import evidence_title, slash_text


class EvidenceDialog(QDialog):
    """Opens beside the window and leaves it usable."""

    def __init__(
        self,
        slash: SlashRow,
        name: str,
        parent: QWidget | None = None,
        verify: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, partial(evidence_title, slash))
        heading = QLabel()
        spoken(heading.setText, partial(slash_text, slash, name))
        heading.setWordWrap(True)
        self.told = QLabel()
        spoken(self.told.setText, partial(_told, slash))
        self.told.setTextFormat(Qt.TextFormat.PlainText)
        self.told.setWordWrap(True)
        self.told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.source = QLabel()
        self.source.setObjectName("muted")
        spoken(self.source.setText, "As it is journalled, for anybody to check:")
        self.evidence = QPlainTextEdit(evidence_source(slash.evidence))
        spoken(self.evidence.setAccessibleName, "Evidence as it is journalled")
        self.evidence.setReadOnly(True)
        self.evidence.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("", QDialogButtonBox.ButtonRole.ActionRole)
        spoken(copy.setText, "Copy")
        copy.clicked.connect(self._copy)
        self.verify = buttons.addButton("", QDialogButtonBox.ButtonRole.ActionRole)
        spoken(self.verify.setText, "Verify this…")
        spoken(
            self.verify.setToolTip,
            "Judges the file that convicts the phone again; without one the audit is what counts.",
        )
        self.verify.setEnabled(verify is not None)
        if verify is not None:
            self.verify.clicked.connect(lambda _: verify())
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(heading)
        layout.addWidget(self.told)
        layout.addWidget(self.source)
        layout.addWidget(self.evidence, 1)
        layout.addWidget(buttons)
        self.resize(620, 420)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.told.text()}\n\n{self.evidence.toPlainText()}")


def _told(slash: SlashRow) -> str:
    told = evidence_text(slash.evidence)
    return told or tr("The evidence is of a kind that this version has no words for.")
