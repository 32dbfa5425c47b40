"""A text token by token: how likely each was, and what else could have stood there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.rack.events.request_events import TokenAdded
from app.rack.snapshot import Alternative, RackSnapshot, RequestSnapshot, TokenChoices
from app.ui.looks.spoken import said, spoken
from app.ui.looks.table import ROW_ROLE, Column, RowsModel, Table
from app.ui.playground.tasks.records_view import RecordsView
from app.ui.playground.tasks.token_texts import TokenTexts
from app.ui.rack_link import RackLink
from app.words.catalogue import message, tr
from app.words.pages.token_way import token_way
from app.words.requests import perplexity_text


@dataclass(frozen=True)
class TokenRow:
    """One token of the text; numbers begin with 1."""

    number: int
    token: int
    choices: TokenChoices
    written: str = ""
    """What the token adds to the text; empty where that is not known any more."""

    @property
    def text(self) -> str:
        """The token as it reads; its number where nobody remembers that."""
        if self.written:
            return readable(self.written)
        for alternative in self.choices.alternatives:
            if alternative.token == self.token:
                return readable(alternative.text)
        return f"#{self.token}"

    @property
    def others(self) -> tuple[Alternative, ...]:
        """The likeliest tokens that were not chosen."""
        return tuple(other for other in self.choices.alternatives if other.token != self.token)


class TokensDialog(QDialog):
    """Follows what is shown in the playground while it is open."""

    def __init__(
        self, link: RackLink, concerned: Callable[[], RequestSnapshot | None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Tokens")
        self.table = Table(RowsModel[TokenRow](self._columns(), lambda row: row.number))
        spoken(self.table.setAccessibleName, "Tokens")
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        self.line = QLabel()
        self.line.setObjectName("muted")
        self.line.setWordWrap(True)
        self.way = QLabel()
        self.way.setWordWrap(True)
        self.way.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        spoken(self.way.setAccessibleName, "The way of the token that is selected")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        self.records = RecordsView(link, concerned)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(_below_each_other(self.table, self.way, self.line), "")
        self.tabs.addTab(self.records, "")
        spoken(self.tabs.tabBar().setAccessibleName, "Pages of the answer")
        layout.addWidget(self.tabs, 1)
        layout.addWidget(buttons)
        self.resize(680, 500)
        self._link = link
        self._concerned = concerned
        self._texts = TokenTexts(link)
        link.snapshot_changed.connect(self._show)
        self.table.selectionModel().currentChanged.connect(lambda *_: self._say_way())
        said(self, "lines", TokensDialog._say_lines)
        said(self.tabs, "titles", _name_tabs)

    def choose(self, letter: int) -> None:
        """Select the token that brought a letter of the answer, counted from 0."""
        request = self._concerned()
        if request is None:
            return
        texts, written = self._texts.of(request.identifier), 0
        for position in sorted(texts):
            written += len(texts[position].text)
            if written > letter:
                self.table.selectRow(position - 1)
                return

    def _say_way(self) -> None:
        request, row = self._concerned(), self.table.currentIndex().data(ROW_ROLE)
        if request is None or row is None:
            self.way.setText(tr("Select a token to see its way through the rack."))
            return
        texts = self._texts.of(request.identifier)
        added = texts.get(row.number)
        known = added if added and added.token == row.token else None
        self.way.setText(token_way(known, self._texts.audits, self._link.names))

    def _say_lines(self) -> None:
        request = self._concerned()
        self.table.rows.show_rows(self._rows(request) if request else ())
        self.line.setText(self._summary(request))
        self._say_way()

    def _show(self, _snapshot: RackSnapshot) -> None:
        self._say_lines()

    def _rows(self, request: RequestSnapshot) -> tuple[TokenRow, ...]:
        return token_rows(request, self._texts.of(request.identifier))

    def _summary(self, request: RequestSnapshot | None) -> str:
        if request is None or not request.choices:
            if request is not None and request.token_ids:
                return tr("How likely each token was is not kept when the window is closed.")
            return tr("Nothing was written yet.")
        alternatives = any(choice.alternatives for choice in request.choices)
        return perplexity_text(perplexity(request.choices), alternatives=alternatives)

    def _columns(self) -> tuple[Column[TokenRow], ...]:
        right = Qt.AlignmentFlag.AlignRight
        return (
            Column(message("No."), lambda row: str(row.number), right),
            Column(message("Token"), lambda row: row.text),
            Column(message("Likely"), lambda row: _share(row.choices.log_probability), right),
            Column(message("Others"), _others_text),
        )


def _below_each_other(*parts: QWidget) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 8, 0, 0)
    for stretch, part in zip((1, 0, 0), parts, strict=True):
        layout.addWidget(part, stretch)
    return page


def _name_tabs(tabs: QTabWidget) -> None:
    for index, title in enumerate((tr("Tokens"), tr("Receipts and verdicts"))):
        tabs.setTabText(index, title)


def token_rows(request: RequestSnapshot, texts: Mapping[int, TokenAdded]) -> tuple[TokenRow, ...]:
    """Return a request's tokens with their choices; `texts` are what is known by position."""
    pairs = zip(request.token_ids, request.choices, strict=False)
    rows = (TokenRow(number, *pair) for number, pair in enumerate(pairs, start=1))
    return tuple(replace(row, written=_written(row, texts.get(row.number))) for row in rows)


def _written(row: TokenRow, added: TokenAdded | None) -> str:
    """Return how a token reads, unless what was there was taken back and another stands now."""
    return added.token_text or added.text if added and added.token == row.token else ""


def perplexity(choices: tuple[TokenChoices, ...]) -> float:
    """Return e to the mean of the tokens' negative log-probabilities."""
    mean = sum(choice.log_probability for choice in choices) / len(choices)
    return math.exp(min(-mean, 700.0))


def readable(text: str) -> str:
    """Return a token's text with its spaces and line breaks to be seen."""
    seen = text.replace("\n", "⏎").replace("\t", "⇥")
    return seen.replace(" ", "␣") if seen.strip() != seen or not seen else seen


def _share(log_probability: float) -> str:
    return f"{math.exp(min(log_probability, 0.0)):.1%}"


def _others_text(row: TokenRow) -> str:
    return "   ".join(
        f"{readable(other.text)} {_share(other.log_probability)}" for other in row.others
    )
