"""The translucent ghost of a phone that is being carried, with what a drop would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui.layer_map.drawing.drag import DropKind
from app.ui.looks.appearance import tabular
from app.ui.looks.tokens import Tokens, ink_on
from app.words import layer_map
from app.words.catalogue import tr

_OPACITY = 0.85
_POINTER_GAP = QPoint(14, 10)
_HEIGHT = 50


@dataclass(frozen=True)
class GhostContent:
    """What the ghost says."""

    name: str
    caption: str
    colour: str
    takes_away: bool
    """Whether a drop here frees the phone."""


class Ghost(QWidget):
    """Floats over the whole window beside the pointer and lets the mouse through."""

    def __init__(self, window: QWidget, tokens: Tokens) -> None:
        super().__init__(window)
        self._window = window
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.content: GhostContent | None = None
        self._tokens = tokens
        self._bold = tabular(self.font(), bold=True)
        self._small = tabular(self.font(), scale=0.92)

    def carry(self, content: GhostContent, pointer: QPoint) -> None:
        """Show the ghost at a point of the window, inside it."""
        if content != self.content:
            self.content = content
            self.resize(self._size(content))
            self.update()
        place = pointer + _POINTER_GAP
        room = self._window.size() - self.size()
        self.move(min(place.x(), room.width()), min(place.y(), room.height()))
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the phone's chip and what a drop does."""
        del event
        content = self.content
        if content is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(_OPACITY)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        edge = self._tokens.warn if content.takes_away else self._tokens.text
        painter.setPen(QPen(QColor(edge), 1.5, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(content.colour))
        painter.drawRoundedRect(box, 7, 7)
        painter.setOpacity(1.0)
        painter.setPen(QColor(ink_on(content.colour)))
        words = box.adjusted(12, 6, -12, -6)
        painter.setFont(self._bold)
        painter.drawText(words, Qt.AlignmentFlag.AlignTop, content.name)
        painter.setFont(self._small)
        painter.drawText(words, Qt.AlignmentFlag.AlignBottom, content.caption)

    def _size(self, content: GhostContent) -> QSize:
        name = QFontMetricsF(self._bold).horizontalAdvance(content.name)
        caption = QFontMetricsF(self._small).horizontalAdvance(content.caption)
        return QSize(int(max(name, caption)) + 28, _HEIGHT)


def drop_words(kind: DropKind, other: str) -> str:
    """Return what a drop does, in the operator's terms."""
    match kind:
        case DropKind.NOTHING:
            return tr("drop on another phone")
        case DropKind.REFUSED:
            return layer_map.cannot_be_used(other)
        case DropKind.SWAP:
            return layer_map.swap_layers(other)
        case DropKind.REPLACE:
            return layer_map.trade_places(other)
        case DropKind.SHARE:
            return layer_map.take_half(other)
        case DropKind.FREE:
            return tr("drop here to free this phone")
        case _:
            assert_never(kind)
