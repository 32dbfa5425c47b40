"""Paints a phone as a card, and as a cell of the heat map."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.core.identifiers import Serial
from app.rack.snapshot import PhoneSnapshot
from app.ui.devices.device_delegate import ROW_HEIGHT, DeviceDelegate
from app.ui.devices.device_news import DeviceNews
from app.ui.looks.appearance import Appearance, tabular
from app.ui.looks.marks import Mark, mark_colour, mark_of
from app.ui.looks.shapes import hatching, paint_flask, paint_mark
from app.ui.looks.table import ROW_ROLE
from app.ui.looks.tokens import blend, ink_on, phone_colour
from app.words.ages import is_stale
from app.words.phones.arranging import figure_text
from app.words.phones.rows import card_text

CARD = QSize(212, 112)
CELL = QSize(58, 44)
_SPARK_HEIGHT = 20
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class CardDelegate(DeviceDelegate):
    """A row's lines, and below them layers, memory, tags and the stage times of the last minute."""

    def __init__(
        self,
        appearance: Appearance,
        now_s: Callable[[], float],
        news: DeviceNews,
        tags: Callable[[Serial], Sequence[str]],
        parent: QObject,
    ) -> None:
        super().__init__(appearance, now_s, news, parent)
        self._tags = tags

    def sizeHint(  # noqa: N802 - Qt's name
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return one size for all."""
        del option, index
        return CARD

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint a phone."""
        phone: PhoneSnapshot = index.data(ROW_ROLE)
        tokens = self._appearance.tokens
        frame = QRectF(option.rect).adjusted(4, 2, -4, -2)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens.line), 1))
        painter.drawRoundedRect(frame, 6, 6)
        painter.restore()
        super().paint(painter, option, index)
        painter.save()
        painter.setFont(tabular(option.font, scale=0.88))
        painter.setPen(QColor(tokens.muted))
        line = QRectF(frame.left() + 32, frame.top() + ROW_HEIGHT - 8, frame.width() - 38, 16)
        layers = self._news.layers.get(phone.serial, "")
        words = card_text(phone, layers, self._tags(phone.serial))
        metrics = QFontMetricsF(painter.font())
        painter.drawText(
            line, _LEFT, metrics.elidedText(words, Qt.TextElideMode.ElideRight, line.width())
        )
        spark = QRectF(line.left(), line.bottom() + 4, line.width(), _SPARK_HEIGHT)
        self._paint_spark(painter, spark, phone)
        painter.restore()

    def _paint_spark(self, painter: QPainter, box: QRectF, phone: PhoneSnapshot) -> None:
        values = self._news.sparks.get(phone.serial, ())
        if len(values) < 2:
            return
        step = box.width() / (len(values) - 1)
        points = [
            QPointF(box.left() + step * place, box.bottom() - box.height() * value)
            for place, value in enumerate(values)
        ]
        colour = QColor(phone_colour(self._appearance.tokens, phone.position))
        colour.setAlphaF(0.4 if is_stale(phone, self._now_s()) else 1.0)
        painter.setPen(QPen(colour, 1))
        painter.drawPolyline(QPolygonF(points))

    def _body(self, option: QStyleOptionViewItem) -> QRectF:
        return super()._body(option).adjusted(0, 0, 0, ROW_HEIGHT - CARD.height())


class CellDelegate(QStyledItemDelegate):
    """A small cell in the colour of one figure, with the phone's place and the figure itself."""

    def __init__(self, appearance: Appearance, news: DeviceNews, parent: QObject) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._news = news

    def sizeHint(  # noqa: N802 - Qt's name
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return one size for all."""
        del option, index
        return CELL

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint a phone."""
        phone: PhoneSnapshot = index.data(ROW_ROLE)
        tokens = self._appearance.tokens
        box = QRectF(option.rect).adjusted(2, 2, -2, -2)
        fill = self.fill(phone)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.setPen(QPen(QColor(tokens.text if chosen else tokens.line), 2 if chosen else 1))
        painter.setBrush(QColor(fill))
        painter.drawRoundedRect(box, 4, 4)
        ink = ink_on(fill)
        mark = mark_of(phone)
        if mark in (Mark.LOST, Mark.SLASHED):
            painter.setBrush(hatching(mark_colour(mark, tokens)))
            painter.drawRoundedRect(box, 4, 4)
        sign = QRectF(box.left() + 4, box.top() + 4, 10, 10)
        if phone.fault is not None:
            paint_flask(painter, sign, ink)
        else:
            paint_mark(painter, sign, mark, ink)
        painter.setPen(QColor(ink))
        painter.setFont(tabular(option.font, scale=0.82))
        top = box.adjusted(17, 2, -4, 0)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
        painter.drawText(top, right, str(phone.position))
        painter.setFont(tabular(option.font, scale=0.9, bold=True))
        low = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
        painter.drawText(box.adjusted(2, 0, -2, -3), low, figure_text(phone, self._news.figure))
        painter.restore()

    def fill(self, phone: PhoneSnapshot) -> str:
        """Return the colour that stands for a phone's figure."""
        tokens, strain = self._appearance.tokens, self._news.strains.get(phone.serial)
        if strain is None or mark_of(phone) is Mark.LOST:
            return tokens.raised
        if strain <= 1 / 2:
            return blend(tokens.good, tokens.warn, 2 * strain)
        return blend(tokens.warn, tokens.bad, 2 * strain - 1)
