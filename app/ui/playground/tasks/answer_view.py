"""One answer, or a conversation, in the view that fits its kind."""

from __future__ import annotations

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.core.tasks import TaskKind
from app.rack.snapshot import RequestSnapshot, RequestState
from app.ui.looks.appearance import Appearance
from app.ui.playground.conversations.talks import Talk
from app.ui.playground.stream_view import StreamView
from app.ui.playground.tasks.conversation_view import ConversationView
from app.ui.playground.tasks.embedding_view import EmbeddingView
from app.ui.playground.tasks.label_bars import LabelBars


class AnswerView(QStackedWidget):
    """Text, conversation, labels or vector."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self.stream = StreamView(appearance)
        self.conversation = ConversationView(appearance)
        self.labels = LabelBars(appearance)
        self.embedding = EmbeddingView(appearance)
        for view in (self.stream, self.conversation, self.labels, self.embedding):
            self.addWidget(view)

    def enlarge(self, font: QFont) -> None:
        """Show every kind of answer in that font."""
        for view in (self.stream, self.conversation, self.labels, self.embedding):
            view.setFont(font)

    def show_talk(self, talk: Talk | None, chosen: TaskKind) -> None:
        """Show what came of it; the empty view of the task chosen where there is nothing yet."""
        if talk is not None and talk.session is not None:
            self.conversation.show_turns(talk.session.turns)
            self.setCurrentWidget(self.conversation)
            return
        request = talk.request if talk else None
        self._fill(request)
        self.setCurrentWidget(self._view(request, talk.kind if talk else chosen))

    def _fill(self, request: RequestSnapshot | None) -> None:
        if request is None:
            self.stream.show_nothing()
            return
        if request.kind is TaskKind.CLASSIFY:
            settled = request.state is RequestState.SETTLED
            self.labels.show_request(request, settled=settled)
        elif request.kind is TaskKind.EMBED:
            self.embedding.show_request(request)
        else:
            self.stream.show_request(request)

    def _view(self, request: RequestSnapshot | None, chosen: TaskKind) -> QWidget:
        kind = request.kind if request else chosen
        views: dict[TaskKind, QWidget] = {
            TaskKind.CLASSIFY: self.labels,
            TaskKind.EMBED: self.embedding,
        }
        return views.get(kind, self.stream)
