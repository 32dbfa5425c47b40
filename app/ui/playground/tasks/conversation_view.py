"""A conversation: who says what, and which of it may still be taken back."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QColor, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit

from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import spoken
from app.ui.playground.stream_view import open_format, plain_format
from app.ui.playground.tasks.chat_session import ChatTurn
from app.words.catalogue import tr

_GAP_PX = 8


class ConversationView(QTextEdit):
    """Read-only; while an answer grows only the last turn is written anew."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._painted: tuple[ChatTurn, ...] = ()
        self._starts: list[int] = []
        self.setReadOnly(True)
        spoken(self.setAccessibleName, "Conversation")
        spoken(self.setPlaceholderText, "Type a message above and press Send.")
        appearance.changed.connect(self._repaint)

    def show_turns(self, turns: Sequence[ChatTurn]) -> None:
        """Show a conversation."""
        after = tuple(turns)
        if after == self._painted:
            return
        shared = _shared(self._painted, after)
        bar = self.verticalScrollBar()
        follow = bar.value() >= bar.maximum() - 4
        self._cut(shared)
        for turn in after[shared:]:
            self._write(turn)
        self._painted = after
        if follow:
            bar.setValue(bar.maximum())

    def _repaint(self) -> None:
        turns, self._painted = self._painted, ()
        self.show_turns(turns)

    def _cut(self, kept: int) -> None:
        """Remove every turn after the first `kept`."""
        if kept == 0:
            self.clear()
            self._starts = []
        elif kept < len(self._starts):
            cursor = QTextCursor(self.document())
            cursor.setPosition(self._starts[kept])
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            del self._starts[kept:]

    def _write(self, turn: ChatTurn) -> None:
        tokens = self._appearance.tokens
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        self._starts.append(cursor.position())
        self._speaker(cursor, tr("You"), tokens.accent)
        cursor.insertText(turn.said, plain_format(tokens.text))
        self._speaker(cursor, tr("Model"), tokens.good)
        if turn.answer is not None:
            cursor.insertText(turn.answer.settled_text.lstrip(), plain_format(tokens.text))
            text = turn.answer.open_text
            text = text if turn.answer.settled_text else text.lstrip()
            cursor.insertText(text, open_format(tokens))

    def _speaker(self, cursor: QTextCursor, name: str, colour: str) -> None:
        space = QTextBlockFormat()
        space.setTopMargin(_GAP_PX)
        if cursor.position() > 0:
            cursor.insertBlock(space)
        style = QTextCharFormat()
        style.setForeground(QColor(colour))
        style.setFontWeight(600)
        cursor.insertText(f"{name}   ", style)


def _shared(before: tuple[ChatTurn, ...], after: tuple[ChatTurn, ...]) -> int:
    """Return how many turns at the beginning are the same."""
    pairs = zip(before, after, strict=False)
    differing = (index for index, (old, new) in enumerate(pairs) if old != new)
    return next(differing, min(len(before), len(after)))
