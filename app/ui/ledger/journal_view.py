"""The journal: it follows its newest end until a person reads back, and stays put from then on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.ledger.views.journal_page import JournalPage, JournalSearch
from app.ledger.views.snapshot import JournalRow
from app.rack.commands import ReadJournal
from app.ui.ledger import columns
from app.ui.ledger.compare_button import CompareButton
from app.ui.ledger.journal_rows import JournalRows
from app.ui.looks.spoken import said, spoken
from app.ui.looks.table import RowsModel, Table
from app.ui.rack_link import RackLink
from app.words.catalogue import tr
from app.words.ledger import found_text, new_entries
from app.words.pages.journal_search import search_for

PAGE = 200
_TYPING_MS = 250
_NEAR_TOP_PX = 60


class JournalView(QWidget):
    """Scrolling to the top reads older entries; the search goes through all of them."""

    def __init__(self, link: RackLink) -> None:
        super().__init__()
        self._link = link
        self._journal, self._found = JournalRows(), JournalRows()
        self._search = JournalSearch()
        self._reading = False
        self._refusal = ""
        """Why the last page asked for did not come."""
        self._following = True
        self.table = Table(
            RowsModel[JournalRow](columns.journal(lambda: link.names), lambda row: row.sequence)
        )
        spoken(self.table.setAccessibleName, "Journal")
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        spoken(self.search.setPlaceholderText, "Search: words, phone, number, hash")
        spoken(
            self.search.setToolTip,
            "Goes through every entry, from the newest to the first: the words of its sentence, the"
            " phone's name or serial, its number, its hash (six digits or more), and all that was"
            " signed. Several words are all wanted. Amounts are signed in millionths.",
        )
        spoken(self.search.setAccessibleName, "Search the whole journal")
        self.line = QLabel()
        self.line.setObjectName("muted")
        self.newest = QPushButton()
        self.newest.hide()
        self.compare = CompareButton(link, self)
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_MS)
        self._arrange()
        self.search.textChanged.connect(lambda _: self._typing.start())
        self._typing.timeout.connect(self._begin_search)
        self.newest.clicked.connect(self.follow)
        bar = self.table.verticalScrollBar()
        bar.valueChanged.connect(self._scrolled)
        bar.rangeChanged.connect(lambda *_: self._stay_at_end())
        said(self, "lines", JournalView._say_lines)

    @property
    def rows(self) -> RowsModel[JournalRow]:
        """The rows that can be seen."""
        return self.table.rows

    def show_newest(self, newest: Sequence[JournalRow]) -> None:
        """Take in the newest end of the journal."""
        self._journal.take_newest(newest, following=self._following)
        if not self._searching:
            self._show()
        self._say_lines()

    def follow(self) -> None:
        """Go to the newest entry, and stay there while more come."""
        self._following, self._refusal = True, ""
        self._journal.show_newest()
        self._show()
        self._say_lines()

    @property
    def _searching(self) -> bool:
        return bool(self._search.terms)

    @property
    def _held(self) -> JournalRows:
        return self._found if self._searching else self._journal

    def _show(self) -> None:
        """Show what is held; the row at the top stays there unless the end is followed."""
        bar, top = self.table.verticalScrollBar(), self.table.rowAt(0)
        shown = self.rows.rows
        anchor = shown[top] if 0 <= top < len(shown) else None
        offset = bar.value() - top * self._row_height
        self.rows.show_rows(self._held.rows)
        if self._following:
            self.table.scrollToBottom()
        elif anchor is not None:
            at = next((i for i, row in enumerate(self._held.rows) if row == anchor), 0)
            bar.setValue(at * self._row_height + offset)

    @property
    def _row_height(self) -> int:
        return self.table.verticalHeader().defaultSectionSize()

    def _stay_at_end(self) -> None:
        if self._following:
            self.table.scrollToBottom()

    def _scrolled(self, value: int) -> None:
        bar = self.table.verticalScrollBar()
        self._following = value >= bar.maximum() - 4
        if value <= _NEAR_TOP_PX and bar.maximum() > 0:
            self._read_older()
        self._say_lines()

    def _read_older(self) -> None:
        held = self._held
        if held.rows and not held.complete and not self._reading:
            self._read(held.first)

    def _begin_search(self) -> None:
        words = self.search.text().strip()
        self._search = search_for(words, self._link.names)
        self._found, self._following = JournalRows(), True
        self._reading, self._refusal = False, ""
        if words:
            self._read(None)
        self._show()
        self._say_lines()

    def _read(self, before: int | None) -> None:
        asked, held = self._search, self._held
        self._reading, self._refusal = True, ""

        def done(page: JournalPage) -> None:
            if asked is self._search:  # else it was typed anew, were it the same words
                self._reading = False
                held.take_older(page.rows, before=before, complete=page.reaches_beginning)
                self._show()
                self._say_lines()

        def refused(line: str) -> None:
            if asked is self._search:
                self._reading, self._refusal = False, line
                self._say_lines()

        self._link.ask(ReadJournal(before, PAGE, asked), done, refused)

    def _say_lines(self) -> None:
        unseen = 0 if self._searching else self._journal.unseen
        away = not self._following and not self._searching
        self.newest.setVisible(away)
        self.newest.setText(new_entries(unseen))
        if self._refusal or not self._searching:
            words = self._refusal
        elif self._reading and not self._found.rows:
            words = tr("searching…")
        else:
            words = found_text(len(self._found.rows), more=not self._found.complete)
        self.line.setText(words)
        self.line.setWordWrap(bool(self._refusal))

    def _arrange(self) -> None:
        line = QHBoxLayout()
        line.setContentsMargins(2, 4, 2, 0)
        line.addWidget(self.search, 1)
        line.addWidget(self.line)
        line.addWidget(self.newest)
        line.addWidget(self.compare)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(line)
        layout.addWidget(self.table, 1)
