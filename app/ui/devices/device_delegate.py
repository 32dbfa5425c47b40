"""Paints one phone of the devices list."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
)

from app.rack.snapshot import PhoneSnapshot
from app.ui.devices.device_news import DeviceNews
from app.ui.looks.appearance import Appearance, tabular
from app.ui.looks.marks import Mark, mark_colour, mark_of, mark_of_state
from app.ui.looks.shapes import hatching, paint_flask, paint_mark
from app.ui.looks.table import ROW_ROLE
from app.ui.looks.tokens import blend, phone_colour
from app.words.ages import is_stale
from app.words.phones.facts import is_slowed
from app.words.phones.rows import fault_badge, standing_explained, standing_text, vitals_text
from app.words.sentences import reason_text
from app.words.states import phone_name, stands_by_word, state_word

ROW_HEIGHT = 66
_STANDING_TOP = 43
_WRAPPED = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)


class DeviceDelegate(QStyledItemDelegate):
    """Name and state, then battery and warmth, then standing with the ledger."""

    def __init__(
        self, appearance: Appearance, now_s: Callable[[], float], news: DeviceNews, parent: QObject
    ) -> None:
        """`now_s` tells the present on the axis of the snapshots."""
        super().__init__(parent)
        self._appearance = appearance
        self._news = news
        self._now_s = now_s

    def sizeHint(  # noqa: N802 - Qt's name
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return one height for all."""
        del index
        return QSize(option.rect.width(), ROW_HEIGHT)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint a phone."""
        phone: PhoneSnapshot = index.data(ROW_ROLE)
        tokens = self._appearance.tokens
        box, body = QRectF(option.rect).adjusted(4, 2, -4, -2), self._body(option)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(blend(tokens.raised, tokens.accent, 0.16)))
            painter.drawRoundedRect(box, 6, 6)
        if phone.fault:
            painter.setBrush(hatching(tokens.warn, alpha=46))
            painter.drawRoundedRect(box, 6, 6)
        painter.setBrush(QColor(phone_colour(tokens, phone.position)))
        painter.drawRoundedRect(QRectF(box.left() + 2, box.top() + 6, 4, box.height() - 12), 2, 2)
        words = body.adjusted(14, 5, -8, -5)
        self._paint_title(painter, words, phone, option)
        self._paint_figures(painter, words, phone, option)
        painter.restore()

    def _body(self, option: QStyleOptionViewItem) -> QRectF:
        """Return where the lines of words stand."""
        return QRectF(option.rect).adjusted(4, 2, -4, -2)

    def helpEvent(  # noqa: N802 - Qt's name
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        """Over the standing with the ledger tell what its letters mean, else about the phone."""
        phone: PhoneSnapshot | None = index.data(ROW_ROLE)
        below = event.pos().y() - option.rect.top() >= _STANDING_TOP
        if phone is not None and below and phone.fault is None and phone.standing is not None:
            QToolTip.showText(event.globalPos(), standing_explained(phone.standing), view)
            return True
        return super().helpEvent(event, view, option, index)

    def _paint_title(
        self, painter: QPainter, box: QRectF, phone: PhoneSnapshot, option: QStyleOptionViewItem
    ) -> None:
        tokens = self._appearance.tokens
        stands_by = self._news.stands_by(phone)
        mark = Mark.WAITING if stands_by and mark_of(phone) is Mark.READY else mark_of(phone)
        colour = mark_colour(mark, tokens)
        line = QRectF(box.left(), box.top(), box.width(), 18)
        paint_mark(painter, QRectF(line.left(), line.top() + 3, 12, 12), mark, colour)
        small = tabular(option.font, scale=0.88)
        state = stands_by_word() if stands_by else state_word(phone.state)
        state_width = QFontMetricsF(small).horizontalAdvance(state)
        painter.setFont(small)
        ink = Mark.WAITING if stands_by else mark_of_state(phone.state)
        painter.setPen(QColor(mark_colour(ink, tokens)))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, state)
        bold = tabular(option.font, bold=True)
        painter.setFont(bold)
        painter.setPen(QColor(tokens.muted if is_stale(phone, self._now_s()) else tokens.text))
        name = QFontMetricsF(bold).elidedText(
            phone_name(phone), Qt.TextElideMode.ElideRight, line.width() - state_width - 28
        )
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line.adjusted(18, 0, 0, 0), left, name)

    def _paint_figures(
        self, painter: QPainter, box: QRectF, phone: PhoneSnapshot, option: QStyleOptionViewItem
    ) -> None:
        tokens = self._appearance.tokens
        small = tabular(option.font, scale=0.88)
        metrics = QFontMetricsF(small)
        painter.setFont(small)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        first = QRectF(box.left() + 18, box.top() + 19, box.width() - 18, 17)
        second = first.translated(0, 17)
        elide = Qt.TextElideMode.ElideRight
        if phone.vitals is None and phone.transfer is None:
            painter.setPen(QColor(tokens.muted))
            reason = reason_text(phone.state_reason)
            painter.drawText(first.united(second), _WRAPPED, reason)
            return
        now_s = self._now_s()
        slowed = is_slowed(phone) and not phone.vitals_are_stale(now_s)
        painter.setPen(QColor(tokens.warn if slowed else tokens.muted))
        words = metrics.elidedText(vitals_text(phone, now_s), elide, first.width())
        painter.drawText(first, left, words)
        painter.setPen(QColor(tokens.muted))
        if phone.fault:
            painter.setPen(QColor(tokens.warn))
            paint_flask(painter, QRectF(box.left(), second.top() + 2, 12, 12), tokens.warn)
            text = fault_badge(phone.fault)
        else:
            text = standing_text(phone)
        painter.drawText(second, left, metrics.elidedText(text, elide, second.width()))
