"""Which class of processors is in doubt, and the button by which the operator stands by it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMessageBox, QPushButton, QWidget

from app.ledger.views.snapshot import LedgerSnapshot
from app.rack.commands import ConfirmClass
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.words.catalogue import tr
from app.words.window import confirm_question, doubts_text


class DoubtsLine(QWidget):
    """Hidden while no class is in doubt."""

    def __init__(self, link: RackLink) -> None:
        super().__init__()
        self._link = link
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.confirm = QPushButton()
        spoken(self.confirm.setText, "It is judged rightly…")
        spoken(self.confirm.setToolTip, "Its phones are blamed again for what they get wrong.")
        self.confirm.clicked.connect(self._ask_confirmation)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.confirm)
        self.hide()

    def show_doubts(self, ledger: LedgerSnapshot | None) -> None:
        """Say what is in doubt; nothing before the ledger is open."""
        self.words.setText(doubts_text(ledger) if ledger else "")
        self.setVisible(bool(ledger and ledger.doubted))

    def _ask_confirmation(self) -> None:
        """Ask once more before phones of the class may lose their stake again."""
        snapshot = self._link.snapshot
        ledger = snapshot.ledger if snapshot else None
        if ledger is None or not ledger.doubted:
            return
        name = ledger.doubted[0].name
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(tr("Confirm a class"))
        box.setText(confirm_question(name))
        box.setStandardButtons(QMessageBox.StandardButton.Cancel)
        sure = box.addButton(tr("Confirm"), QMessageBox.ButtonRole.AcceptRole)
        sure.clicked.connect(lambda: self._link.submit(ConfirmClass(name)))
        box.open()
