"""Pairing by six digits: the phones that show a code, and the fields to type it into."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial

from PySide6.QtCore import QRegularExpression
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QGridLayout, QHeaderView, QLineEdit, QPushButton

from app.rack.commands.pairing import PairByCode, WatchPairing
from app.rack.pairing import PairedPhone, PairingStep, PairingWindow
from app.ui.connect.page import Page, steps_label
from app.ui.connect.status_line import StatusLine
from app.ui.looks.appearance import Appearance, tabular
from app.ui.looks.marks import Mark
from app.ui.looks.spoken import spoken, spoken_label
from app.ui.looks.table import Column, RowsModel, Table
from app.ui.rack_link import RackLink
from app.words.catalogue import message, tr
from app.words.connect import paired_words, step_words, window_name

_DIGITS = 6


class CodePage(Page):
    """Listens for phones that show a code as long as it is shown."""

    def __init__(self, link: RackLink, appearance: Appearance) -> None:
        super().__init__()
        self._link = link
        self._watching: Future[None] | None = None
        self._watch = 0
        self._pairing = False
        self.found = Table(RowsModel[PairingWindow](self._columns(), lambda row: row.name))
        self.address = QLineEdit()
        self.code = QLineEdit()
        self.pair = QPushButton()
        spoken(self.pair.setText, "Pair")
        self.status = StatusLine(link, appearance)
        self.empty = spoken_label("No phone on this network shows a code yet.")
        self._arrange()
        self.found.selectionModel().currentRowChanged.connect(lambda _: self._take_chosen())
        self.found.clicked.connect(lambda _: self._take_chosen())
        self.address.textChanged.connect(lambda _: self._enable())
        self.code.textChanged.connect(lambda _: self._enable())
        self.code.returnPressed.connect(self.pair.click)
        self.pair.clicked.connect(self._press)
        self._enable()

    def begin(self) -> None:
        """Listen for phones that show a code."""
        self.end()
        command = WatchPairing(partial(self._hear, self._watch))
        self._watching = self._link.ask(command, None, self._deaf)

    def end(self) -> None:
        """Listen no more."""
        self._watch += 1
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()

    def _hear(self, watch: int, windows: tuple[PairingWindow, ...]) -> None:
        """Take the news on the rack's thread to this one."""
        self._link.deliver(partial(self._show_found, watch, windows))

    def _show_found(self, watch: int, windows: tuple[PairingWindow, ...]) -> None:
        if watch != self._watch:
            return
        self.found.rows.show_rows(windows)
        self.empty.setVisible(not windows)
        if len(windows) == 1 and not self.address.text():
            self.address.setText(windows[0].address)

    def _deaf(self, line: str) -> None:
        if line:
            self.status.say(line, Mark.FAULT)

    def _take_chosen(self) -> None:
        row = self.found.currentIndex().row()
        if 0 <= row < self.found.rows.rowCount():
            self.address.setText(self.found.rows.rows[row].address)
            self.code.setFocus()

    def _enable(self) -> None:
        digits = self.code.text().replace(" ", "")
        complete = bool(self.address.text().strip()) and len(digits) == _DIGITS
        self.pair.setEnabled(complete and not self._pairing)

    def _press(self) -> None:
        address, code = self.address.text(), self.code.text()
        self._set_pairing(pairing=True)
        self.status.say(tr("Pairing…"), Mark.WORKING)
        self._link.ask(PairByCode(address, code, self._tell), self._paired, self._failed)

    def _tell(self, step: PairingStep) -> None:
        self._link.deliver(partial(self._show_step, step))

    def _show_step(self, step: PairingStep) -> None:
        if self._pairing:
            self.status.say(step_words(step), Mark.WORKING)

    def _paired(self, phone: PairedPhone) -> None:
        self._set_pairing(pairing=False)
        self.code.clear()
        self.address.clear()
        if phone.serial is None:
            self.status.say(paired_words(phone), Mark.FAULT)
        else:
            self.status.follow(phone.serial, paired_words(phone))

    def _failed(self, line: str) -> None:
        self._set_pairing(pairing=False)
        self.code.setFocus()
        self.code.selectAll()
        self.status.say(line, Mark.LOST)

    def _set_pairing(self, *, pairing: bool) -> None:
        self._pairing = pairing
        self._enable()

    def _columns(self) -> tuple[Column[PairingWindow], ...]:
        return (
            Column(message("Phones that show a code"), window_name),
            Column(message("Address"), lambda window: window.address),
        )

    def _arrange(self) -> None:
        spoken(self.heading.setText, "Pair by code")
        steps = steps_label(
            message(
                "On the phone open <b>Settings &gt; System &gt; Developer options &gt; Wireless"
                " debugging</b>, switch it on and tap <b>Pair device with pairing code</b>."
            ),
            message("Choose the phone here, or type the address beside its code; type the code."),
        )
        spoken(self.found.setAccessibleName, "Phones that show a code")
        self.found.setFixedHeight(104)
        header = self.found.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.empty.setParent(self.found)
        self.empty.setObjectName("muted")
        self.empty.move(8, 36)
        self.address.setPlaceholderText("192.168.1.7:37123")
        self.code.setPlaceholderText("123 456")
        self.code.setFont(tabular(self.font(), bold=True, scale=1.15))
        digits = QRegularExpression(r"[0-9]{0,3} ?[0-9]{0,3}")
        self.code.setValidator(QRegularExpressionValidator(digits, self.code))
        self.pair.setObjectName("primary")
        self.column.addWidget(steps)
        self.column.addWidget(self.found)
        self.column.addLayout(self._form())
        self.column.addWidget(self.status)
        self.column.addStretch(1)

    def _form(self) -> QGridLayout:
        form = QGridLayout()
        form.setHorizontalSpacing(10)
        form.setVerticalSpacing(4)
        for column, (words, field) in enumerate(
            ((message("&Address"), self.address), (message("&Code"), self.code))
        ):
            label = spoken_label(words)
            label.setBuddy(field)
            form.addWidget(label, 0, column)
            form.addWidget(field, 1, column)
        form.addWidget(self.pair, 1, 2)
        form.setColumnStretch(0, 3)
        form.setColumnStretch(1, 2)
        return form
