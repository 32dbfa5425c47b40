"""The mark that an experiment runs, in sight whatever else is shown."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QLabel

from app.rack.snapshot import RackSnapshot
from app.ui.looks.appearance import tabular
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.words.experiments.text import badge_text


class ExperimentBadge(QLabel):
    """Hidden while none runs; a click asks for the panel."""

    pressed = Signal()

    def __init__(self, link: RackLink) -> None:
        super().__init__()
        self.setObjectName("experimentBadge")
        self.setFont(tabular(self.font(), bold=True))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()
        link.snapshot_changed.connect(self._show)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask for the panel."""
        super().mousePressEvent(event)
        self.pressed.emit()

    def _show(self, snapshot: RackSnapshot) -> None:
        status = snapshot.experiment
        runs = status is not None and status.runs
        if status is not None and runs:
            spoken(self.setText, partial(badge_text, status))
        self.setVisible(runs)
