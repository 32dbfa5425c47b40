"""Texts and conversations side by side: one tab each, with state, rate and a button of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import (
    QSizePolicy,
    QStyle,
    QStyleOptionTab,
    QStylePainter,
    QTabBar,
    QToolButton,
)

from app.rack.snapshot import RequestState
from app.ui.looks.appearance import Appearance, tabular
from app.ui.looks.marks import Mark
from app.ui.looks.shapes import paint_mark
from app.ui.looks.spoken import spoken
from app.ui.looks.tokens import Tokens
from app.ui.playground.conversations.talks import Talk
from app.words.catalogue import message
from app.words.requests import talk_figures, talk_text, talk_title

_TAB_WIDTH, _LEAST_TAB = 218, 150
"""One width for all, so that none moves while rates change; less where there are many."""
_SCROLLERS = 48
"""Pixels of the two buttons that scroll, as the style sheet has them, and their border."""
_BUTTON_ROOM = 30
_MARK_SIDE = 11
_MIDDLE = Qt.AlignmentFlag.AlignVCenter
_STOP, _DROP = "■", "\N{MULTIPLICATION SIGN}"


class TalkStrip(QTabBar):
    """Arrows choose; Delete stops what runs, and takes what has ended off the strip.

    Hidden while there is nothing to choose between.
    """

    chosen = Signal(object)
    """A `Talk`, chosen by a person."""
    stopped = Signal(object)
    dropped = Signal(object)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._talks: tuple[Talk, ...] = ()
        self.setObjectName("talks")
        self.setExpanding(False)
        self.setDrawBase(False)
        self.setUsesScrollButtons(True)
        self.setElideMode(Qt.TextElideMode.ElideNone)
        self.setFont(tabular(self.font(), scale=0.92))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        spoken(self.setAccessibleName, "Texts and conversations")
        self.currentChanged.connect(self._choose)
        self.hide()

    def show_talks(self, talks: Sequence[Talk], shown: Talk | None) -> None:
        """Show these, one of them in front."""
        self.blockSignals(True)
        if tuple(talks) != self._talks:
            self._rebuild(tuple(talks))
        for index, talk in enumerate(self._talks):
            self._refresh(index, talk)
        if shown in self._talks:
            self.setCurrentIndex(self._talks.index(shown))
        self.blockSignals(False)
        self.update()
        self.setVisible(len(self._talks) > 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Stop or drop the one in front."""
        if event.key() == Qt.Key.Key_Delete and 0 <= self.currentIndex() < len(self._talks):
            self._press(self._talks[self.currentIndex()])
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint each tab's state, title and rate."""
        painter = QStylePainter(self)
        for index, talk in enumerate(self._talks):
            if self.tabRect(index).intersects(event.rect()):
                self._paint_tab(painter, index, talk)

    def tabSizeHint(self, index: int) -> QSize:  # noqa: N802 - Qt's name
        """Give every tab one width, such that a whole number of them is seen."""
        return QSize(self._tab_width(), super().tabSizeHint(index).height())

    def _tab_width(self) -> int:
        room, count = self.width(), max(self.count(), 1)
        if count * _LEAST_TAB > room:
            room -= _SCROLLERS
            count = max(room // _LEAST_TAB, 1)
        return min(max(room // count, _LEAST_TAB), _TAB_WIDTH)

    def _rebuild(self, talks: tuple[Talk, ...]) -> None:
        while self.count():
            self.removeTab(0)
        self._talks = talks
        for talk in talks:
            index = self.addTab("")
            button = QToolButton()
            button.setObjectName("each")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(partial(self._press, talk))
            self.setTabButton(index, QTabBar.ButtonPosition.RightSide, button)

    def _refresh(self, index: int, talk: Talk) -> None:
        words, told = talk_title(talk.title), talk_text(talk.title, talk.request)
        if self.tabText(index) != words:
            self.setTabText(index, words)
        if self.tabToolTip(index) != told:
            self.setTabToolTip(index, told)
            self.setAccessibleTabName(index, told)
        button = self.tabButton(index, QTabBar.ButtonPosition.RightSide)
        sign = _STOP if talk.running else _DROP
        if isinstance(button, QToolButton) and button.text() != sign:
            button.setText(sign)
            spoken(button.setToolTip, _press_word(talk))
            spoken(button.setAccessibleName, _press_word(talk))

    def _paint_tab(self, painter: QStylePainter, index: int, talk: Talk) -> None:
        option = QStyleOptionTab()
        self.initStyleOption(option, index)
        painter.drawControl(QStyle.ControlElement.CE_TabBarTabShape, option)
        tokens, metrics = self._appearance.tokens, QFontMetrics(self.font())
        box = self.tabRect(index).adjusted(8, 0, -_BUTTON_ROOM, -3)
        mark = QRectF(0, 0, _MARK_SIDE, _MARK_SIDE)
        mark.moveCenter(QPointF(box.left() + _MARK_SIDE / 2, box.center().y() + 1))
        paint_mark(painter, mark, *_look(talk, tokens))
        figures = talk_figures(talk.request) if talk.running else ""
        painter.setPen(QColor(tokens.muted))
        painter.drawText(box, _MIDDLE | Qt.AlignmentFlag.AlignRight, figures)
        box.adjust(_MARK_SIDE + 7, 0, -metrics.horizontalAdvance(figures + "  "), 0)
        title = metrics.elidedText(self.tabText(index), Qt.TextElideMode.ElideRight, box.width())
        painter.setPen(QColor(tokens.text if index == self.currentIndex() else tokens.muted))
        painter.drawText(box, _MIDDLE | Qt.AlignmentFlag.AlignLeft, title)

    def _choose(self, index: int) -> None:
        if 0 <= index < len(self._talks):
            self.chosen.emit(self._talks[index])

    def _press(self, talk: Talk) -> None:
        (self.stopped if talk.running else self.dropped).emit(talk)


def _look(talk: Talk, tokens: Tokens) -> tuple[Mark, str]:
    """Return shape and colour: green is only what was verified."""
    request = talk.request
    if talk.running:
        return Mark.WORKING, tokens.accent
    if request is None:
        return Mark.WAITING, tokens.muted
    if request.state is RequestState.FAILED:
        return Mark.LOST, tokens.bad
    if request.state is RequestState.SETTLED:
        return Mark.READY, tokens.good if request.verified else tokens.muted
    return Mark.LOST, tokens.muted


def _press_word(talk: Talk) -> str:
    return message("Cancel") if talk.running else message("Take off the strip")
