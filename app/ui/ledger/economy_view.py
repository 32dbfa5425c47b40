"""The economy: transactions, stakes, quotes, proposals and parameters, one of them at a time."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import BadInputError, LedgerError, ShardloomError, reason_of
from app.ledger.desks.intake import MOST_FILE_BYTES, read_statement
from app.ledger.views.economy import ProposalRow, QuoteRow, TransactionRow
from app.ledger.views.reasons import IN_WINDOW
from app.rack.commands import StopPayments, SubmitStatement
from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from app.ui.ledger import economy_columns as columns
from app.ui.looks.appearance import Appearance
from app.ui.looks.seen import is_seen
from app.ui.looks.spoken import said, spoken, spoken_items
from app.ui.looks.table import RowsModel, Table
from app.ui.rack_link import RackLink
from app.words.catalogue import tr
from app.words.pages.economy import funds_text, page_word
from app.words.sentences import error_text

STOP_S: Final = 24 * 3600
PAGES: Final = ("transactions", "stakes", "quotes", "proposals", "parameters")


class EconomyView(QWidget):
    """Only the page that can be seen is brought up to date."""

    def __init__(self, link: RackLink, appearance: Appearance) -> None:
        super().__init__()
        self._link = link
        self.transactions = Table(RowsModel[TransactionRow](columns.transactions(), _name))
        self.stakes = Table(RowsModel[PhoneSnapshot](columns.stakes(appearance), _serial))
        self.quotes = Table(RowsModel[QuoteRow](columns.quotes(), _serial))
        self.proposals = Table(RowsModel[ProposalRow](columns.proposals(), _name))
        self.parameters = Table(RowsModel[tuple[str, int]](columns.parameters(), _first))
        self.page = QComboBox()
        self.tables = QStackedWidget()
        for name in PAGES:
            self.page.addItem("", name)
            table = getattr(self, name)
            spoken(table.setAccessibleName, partial(page_word, name))
            self.tables.addWidget(table)
        spoken_items(self.page, lambda name: page_word(str(name)))
        spoken(self.page.setAccessibleName, "Page of the economy")
        self.submit, self.stop = QPushButton(), QPushButton()
        spoken(self.submit.setText, "Submit a signed file…")
        spoken(
            self.submit.setToolTip,
            "An order, a quote, a proposal or a vote that a keeper signed elsewhere (--out).",
        )
        spoken(
            self.stop.setToolTip,
            "Openings, payments and decisions rest for a day; evidence goes on.",
        )
        self.line = QLabel()
        self.line.setObjectName("muted")
        self.line.setWordWrap(True)
        said(self, "lines", EconomyView._say_lines)
        self._arrange()
        self.page.currentIndexChanged.connect(self._turn)
        self.submit.clicked.connect(self._choose_file)
        self.stop.clicked.connect(self._stop_or_resume)

    def show_ledger(self, snapshot: RackSnapshot) -> None:
        """Bring what is shown up to date."""
        ledger = snapshot.ledger
        if ledger is None or not is_seen(self):
            return
        economy = ledger.economy
        rows: dict[str, Any] = {
            "transactions": economy.transactions,
            "stakes": snapshot.phones,
            "quotes": economy.quotes,
            "proposals": economy.proposals,
            "parameters": tuple(economy.parameters.items()),
        }
        shown = PAGES[self.tables.currentIndex()]
        getattr(self, shown).rows.show_rows(rows[shown])
        self._say_lines()

    def submit_file(self, path: Path) -> None:
        """Have the rack journal what is signed in a file; why it does not is told below."""
        try:
            with path.open("rb") as file:
                signed = read_statement(file.read(MOST_FILE_BYTES + 1))
        except OSError as error:
            self.line.setText(error_text(_unreadable(path, error)))
            return
        except LedgerError as error:
            self.line.setText(error_text(error))
            return
        fields = signed.to_fields()
        self._link.submit(SubmitStatement(fields["data"], fields["signature"], fields["key"]))

    def _arrange(self) -> None:
        controls = QHBoxLayout()
        controls.setSpacing(4)
        controls.addWidget(self.page)
        controls.addStretch(1)
        controls.addWidget(self.submit)
        controls.addWidget(self.stop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(controls)
        layout.addWidget(self.tables, 1)
        layout.addWidget(self.line)

    def _turn(self, index: int) -> None:
        self.tables.setCurrentIndex(index)
        if self._link.snapshot is not None:
            self.show_ledger(self._link.snapshot)

    def _choose_file(self) -> None:
        dialog = QFileDialog(self.window(), tr("Submit a signed file…"), "", "*.json")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda chosen: self.submit_file(Path(chosen)))
        dialog.open()

    def _stop_or_resume(self) -> None:
        self._link.submit(StopPayments(0 if self._is_stopped() else STOP_S, IN_WINDOW))

    def _is_stopped(self) -> bool:
        snapshot = self._link.snapshot
        ledger = snapshot.ledger if snapshot else None
        return ledger is not None and ledger.economy.stopped_until_ms > _now_ms()

    def _say_lines(self) -> None:
        snapshot = self._link.snapshot
        ledger = snapshot.ledger if snapshot else None
        self.stop.setText(tr("End the stop") if self._is_stopped() else tr("Emergency stop"))
        self.stop.setEnabled(ledger is not None)
        self.submit.setEnabled(ledger is not None)
        if ledger is not None and is_seen(self):
            self.line.setText(funds_text(ledger.treasury, ledger.economy, _now_ms()))


def _unreadable(path: Path, error: OSError) -> ShardloomError:
    return BadInputError("file.unreadable", path=str(path), reason=reason_of(error))


def _now_ms() -> int:
    return round(time.time() * 1000)


def _name(row: ProposalRow | TransactionRow) -> str:
    return row.name


def _serial(row: PhoneSnapshot | QuoteRow) -> str:
    return row.serial


def _first(row: tuple[str, int]) -> str:
    return row[0]
