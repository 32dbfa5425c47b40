"""The line under the header: the rack's notice."""

from __future__ import annotations

from functools import partial

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
        spoken(self.words.setText, partial(facts_text, snapshot.notices))
        self.setVisible(bool(snapshot.notices))
        name = "alert" if snapshot.phase is Phase.FAILED else "notice"
        if name != self.objectName():
            self.setObjectName(name)
            self.style().unpolish(self)
            self.style().polish(self)
