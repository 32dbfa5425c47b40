"""The streamed text: what stands, what may be taken back and what was, each its own way."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit, QWidget

from app.rack.snapshot import RequestSnapshot
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import spoken
from app.ui.looks.tokens import Tokens
from app.ui.playground.stream import Rollback, rolled_back

ROLLBACK_SHOWN_MS = 6000


class StreamView(QTextEdit):
    """Read-only text of one request; a double click asks for a token's way."""

    pointed_at = Signal(int)
    """A letter of the answer, counted from 0."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._request: RequestSnapshot | None = None
        self._painted: tuple[object, ...] = ()
        self.rollback: Rollback | None = None
        self._fade = QTimer(self, singleShot=True, interval=ROLLBACK_SHOWN_MS)
        self._fade.timeout.connect(self._forget_rollback)
        self.setReadOnly(True)
        spoken(self.setAccessibleName, "Generated text")
        spoken(
            self.setPlaceholderText,
            "Type a prompt above and press Generate: the text appears here as it is made.",
        )
        appearance.changed.connect(self._repaint)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Tell which letter of the answer was meant."""
        request = self._request
        place = self.cursorForPosition(event.position().toPoint()).position()
        letter = place - len(request.prompt) if request else -1
        if request is not None and 0 <= letter < len(request.text) and self.rollback is None:
            self.pointed_at.emit(letter)
        else:
            super().mouseDoubleClickEvent(event)

    def show_request(self, request: RequestSnapshot) -> None:
        """Show a request's text; a part that was taken back stays struck through for a while."""
        before, self._request = self._request, request
        if before is None or before.identifier != request.identifier:
            self._forget_rollback()
        else:
            taken = rolled_back(before.text, request.text)
            if taken is not None:
                self.rollback = taken
                self._fade.start()
        self._repaint()

    def show_nothing(self) -> None:
        """Be empty: nothing has come yet."""
        if self._request is not None:
            self._request, self._painted, self.rollback = None, (), None
            self.clear()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Stay at the end of the text where it was shown before."""
        bar = self.verticalScrollBar()
        follow = bar.value() >= bar.maximum() - 4
        super().resizeEvent(event)
        if follow:
            bar.setValue(bar.maximum())

    def open_format(self) -> QTextCharFormat:
        """Return how text looks that may still be taken back."""
        return open_format(self._appearance.tokens)

    def _forget_rollback(self) -> None:
        self.rollback = None
        self._repaint()

    def _repaint(self) -> None:
        request = self._request
        if request is None:
            return
        picture = (
            request.prompt,
            request.settled_text,
            request.open_text,
            self.rollback,
            self._appearance.tokens,
        )
        if picture == self._painted:
            return
        self._painted = picture
        bar = self.verticalScrollBar()
        place = bar.value()
        follow = place >= bar.maximum() - 4
        self.clear()
        cursor = self.textCursor()
        self._write(cursor, request)
        bar.setValue(bar.maximum() if follow else place)

    def _write(self, cursor: QTextCursor, request: RequestSnapshot) -> None:
        tokens = self._appearance.tokens
        prompt = plain_format(tokens.accent)
        prompt.setFontWeight(600)
        plain, open_style = plain_format(tokens.text), self.open_format()
        cursor.insertText(request.prompt, prompt)
        text, settled = request.text, len(request.settled_text)
        cut = min(self.rollback.position, len(text)) if self.rollback else len(text)
        cursor.insertText(text[: min(cut, settled)], plain)
        cursor.insertText(text[settled:cut], open_style)
        if self.rollback is not None:
            struck = plain_format(tokens.slashed)
            struck.setFontStrikeOut(True)
            cursor.insertText(self.rollback.text, struck)
        cursor.insertText(text[cut : max(settled, cut)], plain)
        cursor.insertText(text[max(settled, cut) :], open_style)


def plain_format(colour: str) -> QTextCharFormat:
    """Return text of one colour."""
    style = QTextCharFormat()
    style.setForeground(QColor(colour))
    return style


def open_format(tokens: Tokens) -> QTextCharFormat:
    """Return how text looks that may still be taken back."""
    style = plain_format(tokens.muted)
    style.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DotLine)
    style.setUnderlineColor(QColor(tokens.warn))
    style.setFontItalic(True)
    return style
