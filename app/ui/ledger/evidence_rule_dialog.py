"""How long evidence beside the ledger is kept: a rule of the journal, set by the operator."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.ledger.rules.kept.evidence_rule import EvidenceRule
from app.rack.commands import KeepEvidence
from app.ui.looks.inset import form_layout, inset
from app.ui.looks.spoken import spoken, spoken_label
from app.ui.rack_link import RackLink

_MEBIBYTE = 1 << 20
_MOST_MEBIBYTES = 1 << 20
_LONGEST_DAYS = 3650
_WIDTH_PX = 360


class EvidenceRuleDialog(QDialog):
    """Begins with the rule in force, and has the rack journal another one."""

    def __init__(self, link: RackLink, rule: EvidenceRule, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "How long evidence is kept")
        self._link = link
        self.days = _box(0, _LONGEST_DAYS, rule.most_days)
        spoken(self.days.setSpecialValueText, "for ever")
        spoken(self.days.setAccessibleName, "Kept for days")
        self.megabytes = _box(64, _MOST_MEBIBYTES, rule.most_bytes // _MEBIBYTE)
        spoken(self.megabytes.setAccessibleName, "At most, in megabytes")
        told = QLabel()
        told.setWordWrap(True)
        told.setFixedWidth(_WIDTH_PX)
        spoken(
            told.setText,
            "What an open transaction, a dispute or the time for evidence needs is always kept."
            " The journal tells what was let go.",
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.keep = buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        self.keep.setObjectName("primary")
        spoken(self.keep.setText, "Set")
        buttons.accepted.connect(self._set)
        buttons.rejected.connect(self.reject)
        form = form_layout()
        form.addRow(spoken_label("Kept for days"), self.days)
        form.addRow(spoken_label("At most, in megabytes"), self.megabytes)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addLayout(form)
        layout.addWidget(told)
        layout.addWidget(buttons)
        layout.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)

    def _set(self) -> None:
        self._link.submit(KeepEvidence(self.days.value(), self.megabytes.value() * _MEBIBYTE))
        self.accept()


def _box(least: int, most: int, value: int) -> QSpinBox:
    box = QSpinBox()
    inset(box)
    box.setRange(least, most)
    box.setValue(value)
    return box
