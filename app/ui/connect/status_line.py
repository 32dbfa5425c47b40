"""One line on how connecting goes: a shape and words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from app.ui.looks.appearance import Appearance
from app.ui.looks.marks import Mark, mark_colour, mark_of_state
from app.ui.looks.shapes import paint_mark
from app.ui.rack_link import RackLink
from app.words.connect import joined_words

_MARK_SIZE = 12
_UNUSABLE = {DeviceState.LOST, DeviceState.UNSUITABLE, DeviceState.BUSY}


class StatusLine(QWidget):
    """Says a line; once it follows a phone, it says how that phone stands."""

    def __init__(self, link: RackLink, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._mark: Mark | None = None
        self._followed: Serial | None = None
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setMinimumHeight(_MARK_SIZE + 8)
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 0, 0, 0)
        layout.addWidget(self.words)
        link.snapshot_changed.connect(self._follow)
        appearance.changed.connect(self.update)

    @property
    def mark(self) -> Mark | None:
        """The shape shown, None where nothing is said."""
        return self._mark

    def say(self, words: str, mark: Mark | None) -> None:
        """Show a line with a shape; follow no phone any more."""
        self._followed = None
        self._show(words, mark)

    def follow(self, serial: Serial, words: str, mark: Mark = Mark.WORKING) -> None:
        """Show a line until the phone is in the rack, then how it stands there."""
        self._followed = serial
        self._show(words, mark)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the shape before the words."""
        super().paintEvent(event)
        if self._mark is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = mark_colour(self._mark, self._appearance.tokens)
        paint_mark(painter, QRectF(1, 3, _MARK_SIZE, _MARK_SIZE), self._mark, colour)

    def _follow(self, snapshot: RackSnapshot) -> None:
        phone = next((p for p in snapshot.phones if p.serial == self._followed), None)
        if phone is not None:
            self._show(joined_words(phone), _mark_of(phone))

    def _show(self, words: str, mark: Mark | None) -> None:
        if (words, mark) == (self.words.text(), self._mark):
            return
        self._mark = mark
        self.words.setText(words)
        self.update()


def _mark_of(phone: PhoneSnapshot) -> Mark:
    if phone.state in _UNUSABLE:
        return Mark.LOST
    if phone.state is DeviceState.PREPARING:
        return Mark.WORKING
    return mark_of_state(phone.state)
