"""What the journal holds of one request: receipts, verdicts, slashes with their evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.core.identifiers import RequestId
from app.ledger.views.journal_page import JournalPage, JournalSearch, SearchTerm
from app.ledger.views.snapshot import JournalRow, SlashRow
from app.rack.commands import ReadJournal
from app.rack.snapshot import RackSnapshot, RequestSnapshot
from app.ui.looks.spoken import said, spoken
from app.ui.looks.table import ROW_ROLE, Column, RowsModel, Table
from app.ui.rack_link import RackLink
from app.words.catalogue import message
from app.words.ledger import kind_word, row_text
from app.words.requests import records_line
from app.words.states import clock_text

MOST_ROWS: Final = 200


class RecordsView(QWidget):
    """Reads again when the journal has grown; only while somebody looks."""

    evidence_wanted = Signal(SlashRow)
    """What the slash in that row rests on is to be opened."""

    def __init__(self, link: RackLink, concerned: Callable[[], RequestSnapshot | None]) -> None:
        super().__init__()
        self._link, self._concerned = link, concerned
        self._read: tuple[RequestId, int] | None = None
        """Which request was read, and how long the journal was."""
        self._complete = True
        self.table = Table(RowsModel[JournalRow](self._columns(), lambda row: row.sequence))
        spoken(self.table.setAccessibleName, "Receipts and verdicts")
        self.line = QLabel()
        self.line.setObjectName("muted")
        self.line.setWordWrap(True)
        self.evidence = QPushButton()
        spoken(self.evidence.setText, "Evidence…")
        self.evidence.clicked.connect(self._open_evidence)
        self.table.activated.connect(self._open_evidence)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._say())
        below = QHBoxLayout()
        below.addWidget(self.line, 1)
        below.addWidget(self.evidence)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addWidget(self.table, 1)
        layout.addLayout(below)
        link.snapshot_changed.connect(self._follow)
        said(self, "words", RecordsView._say)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Read what there is."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Read the request's entries, where they are not those that were read last."""
        request, snapshot = self._concerned(), self._link.snapshot
        if request is None or snapshot is None or snapshot.ledger is None:
            return
        wanted = (request.identifier, snapshot.ledger.entries)
        if wanted != self._read:
            self._read = wanted
            search = JournalSearch((SearchTerm(f"{request.identifier}-"),))
            self._link.ask(ReadJournal(None, MOST_ROWS, search), self._show, self.line.setText)

    def _follow(self, _snapshot: RackSnapshot) -> None:
        if self.isVisible():
            self.refresh()

    def _show(self, page: JournalPage) -> None:
        self._complete = page.reaches_beginning
        self.table.rows.show_rows(page.rows)
        self._say()

    def _say(self) -> None:
        self.line.setText(records_line(len(self.table.rows.rows), complete=self._complete))
        self.evidence.setEnabled(self._slash() is not None)

    def _slash(self) -> SlashRow | None:
        row, snapshot = self.table.currentIndex().data(ROW_ROLE), self._link.snapshot
        slashes = snapshot.ledger.slashes if snapshot and snapshot.ledger else ()
        return next((each for each in slashes if row and each.sequence == row.sequence), None)

    def _open_evidence(self, _index: QModelIndex | bool = False) -> None:  # noqa: FBT001, FBT002 - a Qt slot
        slash = self._slash()
        if slash is not None:
            self.evidence_wanted.emit(slash)

    def _columns(self) -> tuple[Column[JournalRow], ...]:
        return (
            Column(message("Entry"), lambda row: str(row.sequence)),
            Column(message("Time"), lambda row: clock_text(row.wall_ms)),
            Column(message("Kind"), lambda row: kind_word(row.kind)),
            Column(message("What"), self._what, tooltip=self._what),
        )

    def _what(self, row: JournalRow) -> str:
        return row_text(row, self._link.names)
