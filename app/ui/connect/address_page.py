"""Phones known by an address: their own, or that of an adb server they are plugged into."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton

from app.rack.commands.pairing import AddPlace
from app.rack.pairing import Place, PlaceKind, SeenPhone
from app.ui.connect.page import Page, words_label
from app.ui.connect.remembered import RememberedPlaces
from app.ui.connect.status_line import StatusLine
from app.ui.looks.appearance import Appearance
from app.ui.looks.marks import Mark
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.words.catalogue import Message, message, tr
from app.words.connect import seen_words


class AddressPage(Page):
    """Two fields; each adds to the rack what answers at the address."""

    def __init__(self, link: RackLink, appearance: Appearance, places: RememberedPlaces) -> None:
        super().__init__()
        spoken(self.heading.setText, "Network address")
        self.server = AddressField(
            link,
            appearance,
            places,
            PlaceKind.SERVER,
            "192.168.1.20:5037",
            message("The adb server answers. Its phones join as soon as it lists any."),
        )
        self.phone = AddressField(link, appearance, places, PlaceKind.ADDRESS, "192.168.1.7:5555")
        self._add(
            message("Adb server of another computer"),
            message(
                "All phones plugged into that computer join. Start the server there with"
                " <b>adb -a nodaemon server start</b>. Whoever reaches its port can use its"
                " phones: do so on a trusted network only."
            ),
            self.server,
        )
        self._add(
            message("A phone's own address"),
            message(
                "For a phone that is paired already, the address shown under <b>Wireless"
                " debugging</b>; for one set up by <b>adb tcpip 5555</b>, its Wi-Fi address."
            ),
            self.phone,
        )
        note = words_label(
            message("What is added here joins again when the window opens this rack the next time.")
        )
        note.setObjectName("muted")
        self.column.addStretch(1)
        self.column.addWidget(note)

    def _add(self, title: Message, explanation: Message, field: AddressField) -> None:
        label = QLabel()
        spoken(label.setText, partial(_bold, title))
        label.setBuddy(field.text)
        spoken(field.text.setAccessibleName, title)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(field.text, 1)
        row.addWidget(field.add)
        words = words_label(explanation)
        for widget in (label, words):
            self.column.addWidget(widget)
        self.column.addLayout(row)
        self.column.addWidget(field.status)


class AddressField:
    """A text, a button and how it went."""

    def __init__(
        self,
        link: RackLink,
        appearance: Appearance,
        places: RememberedPlaces,
        kind: PlaceKind,
        example: str,
        nothing: str = "",
    ) -> None:
        self._link = link
        self._places = places
        self._kind = kind
        self._nothing = nothing
        self.text = QLineEdit()
        self.text.setPlaceholderText(example)
        self.add = QPushButton()
        spoken(self.add.setText, "Add")
        self.add.setEnabled(False)
        self.status = StatusLine(link, appearance)
        self.text.textChanged.connect(lambda text: self.add.setEnabled(bool(text.strip())))
        self.text.returnPressed.connect(self.add.click)
        self.add.clicked.connect(self._press)

    def _press(self) -> None:
        place = Place(self._kind, self.text.text().strip())
        self.add.setEnabled(False)
        self.status.say(tr("Looking…"), Mark.WORKING)
        self._link.ask(AddPlace(place), partial(self._added, place), self._failed)

    def _added(self, place: Place, phones: tuple[SeenPhone, ...]) -> None:
        self._places.remember(place)
        self.text.clear()
        words = seen_words(phones, tr(self._nothing))
        if len(phones) == 1:
            self.status.follow(phones[0].serial, words)
        else:
            self.status.say(words, Mark.READY)

    def _failed(self, line: str) -> None:
        self.add.setEnabled(True)
        self.status.say(line, Mark.LOST)


def _bold(title: Message) -> str:
    return f"<b>{tr(title)}</b>"
