"""Everything of one phone: how it is, what befell it, its links, its entries, its own logs."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.device import PhoneInspection
from app.core.identifiers import Serial
from app.core.standard.rules import Conformance
from app.ledger.views.journal_page import JournalPage, JournalSearch, SearchTerm
from app.ledger.views.snapshot import JournalRow
from app.rack.commands import Examine, InspectPhone, ReadJournal
from app.rack.snapshot import LinkSnapshot, PhoneSnapshot, RackSnapshot, TimelineEvent
from app.ui.devices.device_details import DeviceDetails
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import said, spoken
from app.ui.looks.table import Column, RowsModel, Table
from app.ui.rack_link import RackLink
from app.words.catalogue import Message, message, tr
from app.words.ledger import kind_word, row_text
from app.words.phones.facts import link_speed, route_word
from app.words.phones.page import inspection_text, page_title, place_name
from app.words.phones.standard import conformance_text
from app.words.sentences import fact_text
from app.words.states import clock_text

Row = TypeVar("Row")
_ENTRIES = 200
_TABS: tuple[Message, ...] = (
    message("Now"),
    message("Events"),
    message("Links"),
    message("Ledger"),
    message("On the phone"),
)


class PhonePage(QDialog):
    """Follows the phone while it is open; what lies on the phone is read when it is asked for."""

    def __init__(
        self, serial: Serial, link: RackLink, appearance: Appearance, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._serial, self._link = serial, link
        self._entries = -1
        """How long the journal was when it was read last."""
        self.details = DeviceDetails(appearance)
        self.details.hide_close()
        self.events = _table(_event_columns(), lambda event: event.sequence, message("Events"))
        self.links = _table(
            _link_columns(link), lambda each: (each.sender, each.receiver), message("Links")
        )
        self.entries = _table(_entry_columns(link), lambda row: row.sequence, message("Ledger"))
        self.told = QPlainTextEdit()
        self.told.setReadOnly(True)
        self.told.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        spoken(self.told.setAccessibleName, "What the phone tells of its work")
        self.read = QPushButton()
        spoken(self.read.setText, "Read from the phone")
        self.read.clicked.connect(self.inspect)
        self.examine_button = QPushButton()
        spoken(self.examine_button.setText, "Check against the standard")
        spoken(
            self.examine_button.setToolTip,
            "Every rule is tried on the phone; the result is signed and kept in the ledger.",
        )
        self.examine_button.clicked.connect(self.examine)
        self.line = QLabel()
        self.line.setObjectName("muted")
        self.line.setWordWrap(True)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        spoken(self.tabs.setAccessibleName, "Pages of the phone")
        spoken(self.tabs.tabBar().setAccessibleName, "Pages of the phone")
        for page in (self._scrolled(), self.events, self.links, self.entries, self._phone_side()):
            self.tabs.addTab(page, "")
        layout = QVBoxLayout(self)
        layout.addWidget(self.tabs)
        said(self, "titles", PhonePage._say_titles)
        self.resize(720, 520)
        self.tabs.currentChanged.connect(lambda _: self._show())
        link.snapshot_changed.connect(self._take)
        self._show()

    def inspect(self) -> None:
        """Ask the phone for its logs and for the files that it keeps for us."""
        self._wait(waiting=True)
        self._link.ask(InspectPhone(self._serial), self._show_inspection, self._refuse)

    def examine(self) -> None:
        """Have every rule of the standard tried on the phone."""
        self._wait(waiting=True)
        self._link.ask(Examine(self._serial), self._show_conformance, self._refuse)

    def _phone(self, snapshot: RackSnapshot) -> PhoneSnapshot | None:
        return next((each for each in snapshot.phones if each.serial == self._serial), None)

    def _take(self, _snapshot: RackSnapshot) -> None:
        self._show()

    def _show(self) -> None:
        snapshot = self._link.snapshot
        phone = self._phone(snapshot) if snapshot else None
        if snapshot is None or phone is None:
            return
        shown = self.tabs.currentIndex()
        if shown == 0:
            self.details.show_phone(phone, self._link.now_s, snapshot.links)
        elif shown == 1:
            mine = [each for each in snapshot.timeline if each.serial == self._serial]
            self.events.rows.show_rows(mine[::-1])
        elif shown == 2:
            mine_too = [
                each for each in snapshot.links if self._serial in (each.sender, each.receiver)
            ]
            self.links.rows.show_rows(mine_too)
        elif shown == 3 and snapshot.ledger and snapshot.ledger.entries != self._entries:
            self._entries = snapshot.ledger.entries
            search = JournalSearch((SearchTerm(str(self._serial)),))
            self._link.ask(ReadJournal(None, _ENTRIES, search), self._show_page, self._refuse)

    def _show_page(self, page: JournalPage) -> None:
        self.entries.rows.show_rows(page.rows[::-1])

    def _show_inspection(self, inspection: PhoneInspection) -> None:
        self._wait(waiting=False)
        self.told.setPlainText(inspection_text(inspection))

    def _show_conformance(self, found: Conformance) -> None:
        self._wait(waiting=False)
        self.told.setPlainText(conformance_text(found))

    def _refuse(self, line: str) -> None:
        self._wait(waiting=False)
        self.line.setText(line)

    def _wait(self, *, waiting: bool) -> None:
        """Let nothing more be asked of the phone until it has answered."""
        for button in (self.read, self.examine_button):
            button.setEnabled(not waiting)
        self.line.setText(tr("Waiting for the phone…") if waiting else "")

    def _say_titles(self) -> None:
        snapshot = self._link.snapshot
        phone = self._phone(snapshot) if snapshot else None
        self.setWindowTitle(page_title(phone, self._serial))
        for index, title in enumerate(_TABS):
            self.tabs.setTabText(index, tr(title))

    def _scrolled(self) -> QScrollArea:
        area = QScrollArea()
        area.setWidgetResizable(True)
        page = QWidget()
        column = QVBoxLayout(page)
        column.addWidget(self.details)
        column.addStretch(1)
        area.setWidget(page)
        spoken(area.setAccessibleName, "How the phone is now")
        return area

    def _phone_side(self) -> QWidget:
        page, buttons = QWidget(), QHBoxLayout()
        buttons.addWidget(self.read)
        buttons.addWidget(self.examine_button)
        buttons.addWidget(self.line, 1)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.told, 1)
        return page


def _table(columns: list[Column[Row]], key: Callable[[Row], Hashable], name: Message) -> Table:
    table = Table(RowsModel(columns, key))
    spoken(table.setAccessibleName, name)
    return table


def _event_columns() -> list[Column[TimelineEvent]]:
    return [
        Column(message("Time"), lambda event: clock_text(event.wall_ms)),
        Column(message("What"), lambda event: fact_text(event.fact)),
    ]


def _link_columns(link: RackLink) -> list[Column[LinkSnapshot]]:
    return [
        Column(message("From"), lambda each: place_name(each.sender, link.names)),
        Column(message("To"), lambda each: place_name(each.receiver, link.names)),
        Column(message("Way"), lambda each: route_word(each.route)),
        Column(message("Measured"), lambda each: link_speed(each, link.now_s)),
    ]


def _entry_columns(link: RackLink) -> list[Column[JournalRow]]:
    return [
        Column(message("Entry"), lambda row: str(row.sequence), Qt.AlignmentFlag.AlignRight),
        Column(message("Time"), lambda row: clock_text(row.wall_ms)),
        Column(message("Kind"), lambda row: kind_word(row.kind)),
        Column(message("What"), lambda row: row_text(row, link.names)),
    ]
