"""A button that compares the journal with the receipts that phones keep, and says what differs."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from app.ledger.views.discrepancy_rows import Discrepancies
from app.rack.commands import CompareReceipts
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.words.pages.receipts import discrepancies_text


class CompareButton(QPushButton):
    """Waits for one answer at a time."""

    def __init__(self, link: RackLink, parent: QWidget) -> None:
        super().__init__(parent)
        self._link = link
        self.box: QMessageBox | None = None
        """What the newest answer is said in."""
        spoken(self.setText, "Compare with phones…")
        spoken(
            self.setToolTip,
            "Asks every phone which receipts it keeps, and says what the journal has not, what no"
            " phone has, and who signed two things that contradict each other.",
        )
        self.clicked.connect(self._compare)

    def _compare(self) -> None:
        self.setEnabled(False)
        self._link.submit(CompareReceipts(), self._say, lambda: self.setEnabled(True))

    def _say(self, found: Discrepancies) -> None:
        self.setEnabled(True)
        self.box = box = QMessageBox(self.window())
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(box.setWindowTitle, "Receipts on phones")
        icon = QMessageBox.Icon.Information if found.even else QMessageBox.Icon.Warning
        box.setIcon(icon)
        spoken(box.setText, partial(discrepancies_text, found))
        box.open()
