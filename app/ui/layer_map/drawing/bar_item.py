"""One phone's bar over its layers: requested as an outline, applied as its filling."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.core.identifiers import Serial
from app.ui.looks.appearance import tabular
from app.ui.looks.marks import Mark, mark_colour
from app.ui.looks.shapes import hatching, paint_flask, paint_mark, paint_pin
from app.ui.looks.tokens import Tokens, blend, ink_on

BAR_HEIGHT = 46.0
LABEL_HEIGHT = 18.0
_ICON = 12.0
_LEAST_TITLE = 44.0
_NARROW_SCALE = 0.84


@dataclass(frozen=True)
class BarContent:
    """Everything painted of one bar."""

    serial: Serial
    title: str
    short_title: str
    subtitle: str
    below: str
    below_short: str
    explanation: str
    """What the figures below mean, in a sentence."""
    below_is_warning: bool
    blocked: str
    """What is missing or in what state the phone is; empty where the span can run."""
    usable: bool
    """Whether the phone can work now."""
    colour: str
    filled: tuple[float, float]
    mark: Mark
    fault: str | None
    pinned: bool
    stale: bool
    carried: bool


class BarItem(QGraphicsItem):
    """A rounded bar; its top left corner is the item's origin."""

    def __init__(self, content: BarContent, width: float, tokens: Tokens, font: QFont) -> None:
        super().__init__()
        self.content = content
        self._box = QRectF()
        self._tokens = tokens
        self._font = font
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.show_content(content, width)

    def show_content(self, content: BarContent, width: float) -> None:
        """Paint something else from now on."""
        box = QRectF(2, 0, max(width - 4, 4), BAR_HEIGHT)
        if box != self._box:
            self.prepareGeometryChange()
        elif content == self.content and self.toolTip():
            return
        self._box = box
        self.content = content
        lines = (f"{content.title} · {content.subtitle}", content.blocked, content.explanation)
        self.setToolTip("\n".join(line for line in lines if line))
        self.update()

    def pin_box(self) -> QRectF:
        """Return where the pin is, in the item's coordinates; empty on a narrow bar."""
        if self._box.width() < 84:
            return QRectF()
        return QRectF(self._box.right() - 22, self._box.top() + 6, _ICON, _ICON)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the bar's and its label's extent."""
        return self._box.adjusted(-2, -2, 2, LABEL_HEIGHT + 2)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,  # noqa: ARG002 - Qt's signature
        widget: QWidget | None = None,  # noqa: ARG002 - Qt's signature
    ) -> None:
        """Paint filling, outline, words and signs."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(self._box, 7, 7)
        self._paint_filling(painter, outline)
        edge = self._tokens.bad if self.content.blocked else self.content.colour
        if self.content.carried:
            edge = self._tokens.text
        style = Qt.PenStyle.DashLine if self.content.carried else Qt.PenStyle.SolidLine
        painter.setPen(QPen(QColor(edge), 2, style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(outline)
        for part, ink in self._inks():
            painter.save()
            painter.setClipRect(part, Qt.ClipOperation.IntersectClip)
            self._paint_words(painter, ink)
            self._paint_signs(painter, ink)
            painter.restore()
        self._paint_below(painter)

    def _paint_filling(self, painter: QPainter, outline: QPainterPath) -> None:
        painter.fillPath(outline, QColor(blend(self._tokens.raised, self.content.colour, 0.16)))
        part = self._filled_part()
        painter.save()
        painter.setClipPath(outline)
        share = 0.65 if self.content.stale else 0.0
        painter.fillRect(part, QColor(blend(self.content.colour, self._tokens.raised, share)))
        if self.content.blocked:
            painter.fillRect(self._box, QColor(self._tokens.raised))
            painter.fillRect(self._box, hatching(self._tokens.bad))
        elif self.content.fault:
            painter.fillRect(self._box, hatching(self._tokens.surface, alpha=120))
        painter.restore()

    def _filled_part(self) -> QRectF:
        start, end = self.content.filled
        part = QRectF(self._box)
        part.setLeft(self._box.left() + self._box.width() * start)
        part.setRight(self._box.left() + self._box.width() * end)
        return part

    def _inks(self) -> tuple[tuple[QRectF, str], ...]:
        """Return parts of the bar, each with the ink that can be read on its ground."""
        if self.content.blocked or self.content.stale:
            return ((self._box, self._tokens.text),)
        filled, before, after = self._filled_part(), QRectF(self._box), QRectF(self._box)
        before.setRight(filled.left())
        after.setLeft(filled.right())
        inks = (before, self._tokens.text), (filled, ink_on(self.content.colour))
        return (*inks, (after, self._tokens.text))

    def _paint_words(self, painter: QPainter, ink: str) -> None:
        box = self._box.adjusted(10, 5, -10, -5)
        pin = self.pin_box()
        title_width = box.width() - (18 if not pin.isEmpty() else 0) - 18
        font = tabular(self._font, bold=True)
        metrics = QFontMetricsF(font)
        title = self.content.title
        painter.setPen(QColor(ink))
        if title_width < _LEAST_TITLE:
            self._paint_narrow(painter, 3)
            return
        if metrics.horizontalAdvance(title) > title_width:
            font = tabular(self._font, scale=_NARROW_SCALE, bold=True)
            metrics = QFontMetricsF(font)
        if metrics.horizontalAdvance(title) > title_width:
            self._paint_narrow(painter, _ICON + 8)
            return
        painter.setFont(font)
        elided = metrics.elidedText(title, Qt.TextElideMode.ElideRight, title_width)
        top = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
        painter.drawText(box.adjusted(18, 0, 0, 0), top, elided)
        painter.setFont(self._font)
        small = QFontMetricsF(self._font)
        subtitle = small.elidedText(
            self.content.subtitle, Qt.TextElideMode.ElideRight, box.width() - 18
        )
        bottom = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft
        painter.drawText(box.adjusted(18, 0, 0, 0), bottom, subtitle)

    def _paint_narrow(self, painter: QPainter, margin: float) -> None:
        """Paint the name on two lines where its words fit, else the phone's number."""
        small = tabular(self._font, scale=_NARROW_SCALE, bold=True)
        metrics, room = QFontMetricsF(small), self._box.adjusted(margin, 2, -margin, -2)
        fits = all(metrics.horizontalAdvance(word) <= room.width() for word in self._words)
        painter.setFont(small if fits else tabular(self._font, bold=True))
        text = "\n".join(self._words) if fits else self.content.short_title
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, text)

    @property
    def _words(self) -> list[str]:
        """The words of the name, the last ones together: `Galaxy`, `A54 5G`."""
        first, _, rest = self.content.title.partition(" ")
        return [first, rest] if rest else [first]

    def _paint_signs(self, painter: QPainter, ink: str) -> None:
        if self._box.width() < 84:
            return
        place = QRectF(self._box.left() + 9, self._box.top() + 8, _ICON, _ICON)
        if self.content.fault:
            paint_flask(painter, place, ink)
        else:
            paint_mark(painter, place, self.content.mark, ink)
        paint_pin(painter, self.pin_box(), ink, pinned=self.content.pinned)

    def _paint_below(self, painter: QPainter) -> None:
        blocked = self.content.blocked
        colour = self._tokens.muted
        if blocked:
            colour = self._tokens.bad
        elif self.content.below_is_warning:
            colour = self._tokens.warn
        painter.setPen(QColor(colour))
        painter.setFont(self._font)
        box = QRectF(self._box.left(), self._box.bottom() + 3, self._box.width(), LABEL_HEIGHT)
        text = blocked or self.content.below
        if box.width() < 84 and not blocked:
            text = self.content.below_short
        elided = QFontMetricsF(self._font).elidedText(
            text, Qt.TextElideMode.ElideRight, box.width()
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, elided)


class FreePhoneItem(QGraphicsItem):
    """A phone without layers, waiting below the bars to be dragged onto one."""

    def __init__(
        self,
        serial: Serial,
        name: str,
        mark: Mark,
        colour: str,
        tokens: Tokens,
        font: QFont,
        *,
        usable: bool,
    ) -> None:
        super().__init__()
        self.serial = serial
        self.name = name
        self.usable = usable
        """Whether the phone can take layers now."""
        self._mark = mark
        self._colour = colour
        self._tokens = tokens
        self._font = font
        self._box = QRectF(0, 0, QFontMetricsF(font).horizontalAdvance(name) + 34, 24)
        if usable:
            self.setCursor(Qt.CursorShape.OpenHandCursor)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return the chip's extent."""
        return self._box.adjusted(-1, -1, 1, 1)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,  # noqa: ARG002 - Qt's signature
        widget: QWidget | None = None,  # noqa: ARG002 - Qt's signature
    ) -> None:
        """Paint the chip."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._colour), 1.5, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self._box, 12, 12)
        place = QRectF(9, 7, 10, 10)
        paint_mark(painter, place, self._mark, mark_colour(self._mark, self._tokens))
        painter.setFont(self._font)
        painter.setPen(QColor(self._tokens.text if self.usable else self._tokens.muted))
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(self._box.adjusted(25, 0, 0, 0), left, self.name)
