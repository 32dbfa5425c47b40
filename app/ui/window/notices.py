"""The lines under the header: the rack's notice, and what could not be done."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from app.rack.snapshot import Phase, RackSnapshot
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.words.sentences import facts_text


class Notice(QFrame):
    """The rack's one line, red where it failed, with the way to connect a phone beside it."""

    connect_asked = Signal()

    def __init__(self, link: RackLink) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.connect_button = QPushButton()
        spoken(self.connect_button.setText, "Connect a phone…")
        self.connect_button.clicked.connect(self.connect_asked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 4, 14, 4)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.connect_button)
        self.hide()
        link.snapshot_changed.connect(self._show)

    def _show(self, snapshot: RackSnapshot) -> None:
        self.words.setText(facts_text(snapshot.notices))
        self.setVisible(bool(snapshot.notices))
        name = "alert" if snapshot.phase is Phase.FAILED else "notice"
        if name != self.objectName():
            self.setObjectName(name)
            self.style().unpolish(self)
            self.style().polish(self)


class Alert(QFrame):
    """The newest thing that could not be done, until it is dismissed."""

    def __init__(self, link: RackLink) -> None:
        super().__init__()
        self.setObjectName("alert")
        self.words = QLabel()
        self.words.setWordWrap(True)
        dismiss = QPushButton()
        spoken(dismiss.setText, "Dismiss")
        dismiss.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 4, 14, 4)
        layout.addWidget(self.words, 1)
        layout.addWidget(dismiss)
        self.hide()
        link.failed.connect(self.show_line)

    def show_line(self, line: str) -> None:
        """Show one plain line."""
        self.words.setText(line)
        self.show()
