"""The keys of the address: made and shown once, limited, revoked; when each was used last."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.rack.door.serving import ApiKey, KeyLimits
from app.ui.background_reader import BackgroundReader
from app.ui.looks.appearance import Appearance
from app.ui.looks.inset import inset
from app.ui.looks.spoken import said, spoken, spoken_label
from app.ui.rack_link import RackLink
from app.ui.serve.keys_table import keys_table
from app.ui.serve.made_key import MadeKey
from app.ui.serve.serving import HttpDoor
from app.words.catalogue import tr
from app.words.pages.serve import (
    serve_keys_text,
    sure_to_revoke,
)

T = TypeVar("T")
_SURE_MS = 4000
_MOST_A_MINUTE = 10_000_000


class KeysView(QWidget):
    """Reads and writes keys on threads: their file may be held by another program."""

    def __init__(self, link: RackLink, door: HttpDoor, appearance: Appearance) -> None:
        super().__init__()
        self._door = door
        self._reader, self._writer = BackgroundReader(link, self), BackgroundReader(link, self)
        self._keys: tuple[ApiKey, ...] = ()
        self._writing = False
        self.who = _muted()
        self.table = keys_table(appearance)
        self.name = QLineEdit()
        spoken(self.name.setPlaceholderText, "Name of a new key, such as laptop")
        spoken(self.name.setAccessibleName, "Name of a new key, such as laptop")
        self.requests, self.tokens = _limit(), _limit()
        self.make, self.revoke = QPushButton(), QPushButton()
        spoken(self.make.setText, "Make a key")
        self.failure = _muted()
        self.once = MadeKey()
        self._sure = QTimer(self, singleShot=True, interval=_SURE_MS)
        self._sure.timeout.connect(self._say)
        self.make.clicked.connect(self._make)
        self.name.returnPressed.connect(self._make)
        self.name.textChanged.connect(self._say)
        self.revoke.clicked.connect(self._revoke)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._stop_asking())
        self._arrange()
        said(self, "words", KeysView._say)
        self.refresh()

    def refresh(self) -> None:
        """Read the keys anew."""
        self._reader.ask(self._door.keys, self._list, self._fail)

    def close_readers(self) -> None:
        """Wait for nothing any more."""
        self._reader.close()
        self._writer.close()

    def _list(self, keys: tuple[ApiKey, ...]) -> None:
        self._keys = keys
        self.table.rows.show_rows(keys)
        self._say()

    @property
    def _chosen(self) -> ApiKey | None:
        row, rows = self.table.currentIndex().row(), self.table.rows.rows
        return rows[row] if 0 <= row < len(rows) else None

    def _say(self) -> None:
        chosen = self._chosen
        self.who.setText(serve_keys_text(self._keys))
        self.make.setEnabled(bool(self.name.text().strip()) and not self._writing)
        self.revoke.setEnabled(chosen is not None and chosen.valid and not self._writing)
        asking = self._sure.isActive() and chosen is not None
        self.revoke.setText(sure_to_revoke(chosen.name) if asking and chosen else tr("Revoke"))
        self.failure.setVisible(bool(self.failure.text()))
        self.table.rows.repaint()

    def _stop_asking(self) -> None:
        self._sure.stop()
        self._say()

    def _make(self) -> None:
        name = self.name.text().strip()
        if not name or self._writing:
            return
        limits = KeyLimits(self.requests.value() or None, self.tokens.value() or None)
        self._write(lambda: self._door.add_key(name, limits), partial(self._made, name))

    def _made(self, name: str, key: str) -> None:
        self.once.show_key(name, key)
        self.name.clear()
        self._written()

    def _revoke(self) -> None:
        chosen = self._chosen
        if chosen is None or not chosen.valid or self._writing:
            return
        if not self._sure.isActive():
            self._sure.start()
            self._say()
            return
        self._sure.stop()
        self.once.forget(chosen.name)
        self._write(lambda: self._door.revoke_key(chosen.name), lambda _none: self._written())

    def _write(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self._writing = True
        self.failure.clear()
        self._writer.ask(work, done, self._fail)
        self._say()

    def _written(self) -> None:
        self._writing = False
        self._say()
        self.refresh()

    def _fail(self, why: str) -> None:
        self._writing = False
        self.failure.setText(why)
        self._say()

    def _arrange(self) -> None:
        new = QHBoxLayout()
        new.addWidget(self.name, 1)
        for label, box in (
            (spoken_label("Requests/min"), self.requests),
            (spoken_label("Tokens/min"), self.tokens),
        ):
            label.setBuddy(box)
            new.addWidget(label)
            new.addWidget(box)
        new.addWidget(self.make)
        below = QHBoxLayout()
        below.addWidget(self.who, 1)
        below.addWidget(self.revoke)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(new)
        layout.addWidget(self.once)
        layout.addWidget(self.failure)
        layout.addWidget(self.table, 1)
        layout.addLayout(below)


def _muted() -> QLabel:
    label = QLabel()
    label.setObjectName("muted")
    label.setWordWrap(True)
    return label


def _limit() -> QSpinBox:
    box = QSpinBox(minimum=0, maximum=_MOST_A_MINUTE, value=0)
    box.setGroupSeparatorShown(True)
    inset(box)
    spoken(box.setSpecialValueText, "no limit")
    return box
