"""The controls that say how answers are checked, and what follows from where they stand."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from app.core.audit_outcome import CheckMode, ChecksSnapshot
from app.rack.commands import SetChecks
from app.rack.snapshot import RackSnapshot
from app.ui.looks.elided import ElidedLabel
from app.ui.looks.inset import inset
from app.ui.looks.spoken import said, spoken, spoken_items
from app.ui.rack_link import RackLink
from app.words.ledger import checks_text
from app.words.states import check_word


class ChecksControl(QWidget):
    """Audit rate, what checks every token, who audits. Follows the rack; what is set is sent."""

    def __init__(self, link: RackLink) -> None:
        super().__init__()
        self._link = link
        self._known: ChecksSnapshot | None = None
        self.rate = _rate_box()
        self.mode = QComboBox()
        for mode in CheckMode:
            self.mode.addItem("", mode)
        spoken_items(self.mode, lambda mode: check_word(CheckMode(mode)))
        spoken(self.mode.setAccessibleName, "Whether this computer checks every token")
        self.verifiers = QCheckBox()
        spoken(self.verifiers.setText, "Idle phones audit")
        spoken(self.verifiers.setToolTip, "Others that compute alike, never of the same keeper.")
        self.line = ElidedLabel()
        self.line.setObjectName("muted")
        said(self, "line", ChecksControl._say_line)
        audited = ElidedLabel()
        spoken(audited.setText, "Receipts audited")
        controls = QHBoxLayout()
        controls.setSpacing(8)
        controls.addWidget(audited)
        controls.addWidget(self.rate)
        controls.addWidget(self.mode)
        controls.addStretch(1)
        below = QHBoxLayout()
        below.addWidget(self.line)
        below.addStretch(1)
        below.addWidget(self.verifiers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(controls)
        layout.addLayout(below)
        link.snapshot_changed.connect(self._follow)
        self.rate.editingFinished.connect(self._send)
        self.mode.activated.connect(self._send)
        self.verifiers.clicked.connect(self._send_verifiers)

    def _send(self) -> None:
        rate, mode = self.rate.value() / 100, CheckMode(self.mode.currentData())
        known = self._known
        if known is None or (known.mode is mode and abs(known.audit_rate - rate) < _LEAST_CHANGE):
            return
        self._link.submit(SetChecks(rate, mode), refused=self._forget)

    def _send_verifiers(self, audit: bool) -> None:  # noqa: FBT001 - as Qt calls it
        known = self._known
        if known is not None:
            command = SetChecks(known.audit_rate, known.mode, audit)
            self._link.submit(command, refused=self._forget)

    def _forget(self) -> None:
        """Show again what the rack does, whatever was set."""
        self._known = None

    def _follow(self, snapshot: RackSnapshot) -> None:
        if snapshot.checks == self._known:
            return
        self._known = snapshot.checks
        if not self.rate.hasFocus():
            self.rate.setValue(snapshot.checks.audit_rate * 100)
        self.mode.setCurrentIndex(self.mode.findData(snapshot.checks.mode))
        self.verifiers.setChecked(snapshot.checks.verifiers)
        self._say_line()

    def _say_line(self) -> None:
        words = checks_text(self._known) if self._known else ""
        self.line.setText(words)
        self.line.setVisible(bool(words))


_LEAST_CHANGE = 0.0005
"""What the box does not show is no change."""


def _rate_box() -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0, 100)
    box.setDecimals(1)
    box.setSuffix(" %")
    box.setKeyboardTracking(False)
    inset(box)
    spoken(box.setAccessibleName, "Share of receipts that are audited")
    return box
