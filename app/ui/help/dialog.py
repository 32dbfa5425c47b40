"""Help: the words and the keys, each with a filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QTabWidget, QVBoxLayout, QWidget

from app.ui.looks.spoken import said, spoken
from app.ui.looks.table import Column, RowsModel, Table
from app.words.catalogue import Message, message, tr
from app.words.pages.glossary import glossary

Pair = tuple[str, str]


class HelpDialog(QDialog):
    """Stays beside the window; `keys` tells what each key does."""

    def __init__(self, keys: Callable[[], Sequence[Pair]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Help")
        self._told_keys = keys
        self.filter = QLineEdit()
        self.filter.setClearButtonEnabled(True)
        spoken(self.filter.setPlaceholderText, "Find a word")
        spoken(self.filter.setAccessibleName, "Find a word")
        self.words = _table(message("Word"), message("What it means"))
        self.keys = _table(message("Keys"), message("What they do"))
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.words, "")
        self.tabs.addTab(self.keys, "")
        spoken(self.tabs.tabBar().setAccessibleName, "Pages of the help")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 14)
        layout.addWidget(self.filter)
        layout.addWidget(self.tabs, 1)
        self.resize(720, 560)
        self.filter.textChanged.connect(lambda _: self._show())
        said(self, "rows", HelpDialog._show)

    def _show(self) -> None:
        self.tabs.setTabText(0, tr("Words"))
        self.tabs.setTabText(1, tr("Keys"))
        typed = self.filter.text().lower()
        for table, pairs in ((self.words, glossary()), (self.keys, self._told_keys())):
            table.rows.show_rows([pair for pair in pairs if typed in " ".join(pair).lower()])
            table.resizeRowsToContents()


def _table(first: Message, second: Message) -> Table:
    columns = (Column[Pair](first, lambda row: row[0]), Column[Pair](second, lambda row: row[1]))
    table = Table(RowsModel[Pair](columns, lambda row: row))
    table.setWordWrap(True)
    table.horizontalHeader().setResizeContentsPrecision(-1)
    spoken(table.setAccessibleName, second)
    return table
