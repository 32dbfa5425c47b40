"""A phone on a USB cable: what to tap, and looking for it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from app.rack.commands.pairing import AddPlace
from app.rack.pairing import Place, PlaceKind, SeenPhone
from app.ui.connect.page import Page, steps_label
from app.ui.connect.remembered import RememberedPlaces
from app.ui.connect.status_line import StatusLine
from app.ui.looks.appearance import Appearance
from app.ui.looks.marks import Mark
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.words.catalogue import message, tr
from app.words.connect import seen_words

_CABLES = Place(PlaceKind.CABLES)


class CablePage(Page):
    """Looks at the cables once asked; the rack goes on looking from then on."""

    def __init__(self, link: RackLink, appearance: Appearance, places: RememberedPlaces) -> None:
        super().__init__()
        self._places = places
        self._link = link
        self.look = QPushButton()
        spoken(self.look.setText, "Look for phones on USB")
        self.status = StatusLine(link, appearance)
        self.look.clicked.connect(self._press)
        self._arrange()

    def _press(self) -> None:
        self.look.setEnabled(False)
        self.status.say(tr("Looking…"), Mark.WORKING)
        self._link.ask(AddPlace(_CABLES), self._found, self._failed)

    def _found(self, phones: tuple[SeenPhone, ...]) -> None:
        self._places.remember(_CABLES)
        self.look.setEnabled(True)
        nothing = tr("No phone is plugged in yet. It joins as soon as one is.")
        words = seen_words(phones, nothing)
        if len(phones) == 1:
            self.status.follow(phones[0].serial, words)
        else:
            self.status.say(words, Mark.WORKING if phones else Mark.WAITING)

    def _failed(self, line: str) -> None:
        self.look.setEnabled(True)
        self.status.say(line, Mark.LOST)

    def _arrange(self) -> None:
        spoken(self.heading.setText, "USB cable")
        steps = steps_label(
            message(
                "On the phone open <b>Settings &gt; About phone</b> and tap <b>Build number</b>"
                " seven times: that brings up the developer options."
            ),
            message(
                "In <b>Settings &gt; System &gt; Developer options</b> switch on"
                " <b>USB debugging</b>."
            ),
            message("Plug the phone into this computer."),
            message(
                "On the phone tap <b>Allow</b> under “Allow USB debugging?”, with <b>Always"
                " allow</b> ticked. Look at its screen: it asks only while it is unlocked."
            ),
        )
        self.column.addWidget(steps)
        self.column.addWidget(self.look, 0, Qt.AlignmentFlag.AlignLeft)
        self.column.addWidget(self.status)
        self.column.addStretch(1)
