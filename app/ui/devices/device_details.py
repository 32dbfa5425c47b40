"""One phone in full, under the list of phones."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout

from app.rack.snapshot import LinkSnapshot, PhoneSnapshot
from app.ui.looks.appearance import Appearance, colour_words, tabular
from app.ui.looks.marks import Mark, mark_colour, mark_of
from app.ui.looks.spoken import spoken, spoken_label
from app.words.phones.facts import (
    PhoneFact,
    Said,
    advice,
    age_words,
    data_fact,
    fact_title,
    facts_of,
)
from app.words.states import phone_name, serial_text

_CALM = frozenset({Mark.READY, Mark.WORKING, Mark.WAITING})


class DeviceDetails(QFrame):
    """Labels are made once; a snapshot that changes nothing touches none of them."""

    closed = Signal()

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self.setObjectName("details")
        self._appearance = appearance
        self._phone: PhoneSnapshot | None = None
        self._now_s = 0.0
        self._said: dict[PhoneFact, Said] = {}
        self.name = QLabel()
        self.reason = QLabel()
        self.age = QLabel()
        self.facts = {fact: QLabel() for fact in PhoneFact}
        self._titles = {fact: spoken_label(fact_title(fact)) for fact in PhoneFact}
        self._close = QToolButton()
        self._close.clicked.connect(self.closed)
        self._grid = QGridLayout()
        self._arrange()
        appearance.changed.connect(self._colour)

    def hide_close(self) -> None:
        """Leave the closing to what the details stand in."""
        self._close.hide()

    def show_phone(
        self, phone: PhoneSnapshot, now_s: float, links: Sequence[LinkSnapshot] = ()
    ) -> None:
        """Show a phone as it is now, with the links that were measured to and from it.

        `now_s` is on the axis of the snapshot's `at_s`.
        """
        self._phone, self._now_s = phone, now_s
        self._said = facts_of(phone)
        data = data_fact(phone, links, now_s)
        if data is not None:
            self._said[PhoneFact.DATA] = data
        self.name.setText(phone_name(phone))
        self.name.setToolTip(serial_text(phone.serial))
        self._say(self.reason, advice(phone))
        self._say(self.age, age_words(phone, now_s))
        for fact, label in self.facts.items():
            said = self._said.get(fact)
            for shown in (self._titles[fact], label):
                shown.setVisible(said is not None)
            if said is not None and label.text() != said.words:
                label.setText(said.words)
        self._colour()

    def _say(self, label: QLabel, words: str) -> None:
        if label.text() != words:
            label.setText(words)
        label.setVisible(bool(words))

    def _colour(self) -> None:
        if self._phone is None:
            return
        tokens, mark = self._appearance.tokens, mark_of(self._phone)
        calm = mark in _CALM
        colour_words(self.reason, tokens.warn if calm else mark_colour(mark, tokens))
        colour_words(self.age, tokens.warn)
        for fact, said in self._said.items():
            colour_words(self.facts[fact], self._ink(said))
        for title in self._titles.values():
            colour_words(title, tokens.muted)

    def _ink(self, said: Said) -> str:
        tokens = self._appearance.tokens
        phone = self._phone
        if not said.lasting and phone is not None and phone.vitals_are_stale(self._now_s):
            return tokens.muted
        return tokens.warn if said.alarming else tokens.text

    def _arrange(self) -> None:
        self.name.setFont(tabular(self.font(), bold=True))
        self._close.setText("\N{MULTIPLICATION SIGN}")
        spoken(self._close.setToolTip, "Close the details")
        self._close.setAutoRaise(True)
        small = tabular(self.font(), scale=0.9)
        for label in (self.reason, self.age, *self.facts.values()):
            label.setFont(small)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        for row, (fact, title) in enumerate(self._titles.items()):
            title.setFont(small)
            self._grid.addWidget(title, row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(self.facts[fact], row, 1)
        top = QHBoxLayout()
        top.addWidget(self.name, 1)
        top.addWidget(self._close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 10)
        layout.setSpacing(5)
        layout.addLayout(top)
        layout.addWidget(self.reason)
        layout.addLayout(self._grid)
        layout.addWidget(self.age)
