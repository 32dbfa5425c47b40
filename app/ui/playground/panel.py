"""Texts in, answers out, with how sure and how fast."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.tasks import Chat, Classify, Complete, Embed, Summarise, Task, TaskKind, Translate
from app.ledger.views.snapshot import SlashRow
from app.rack.commands import Ask
from app.rack.options import DEMO_PROMPT
from app.rack.snapshot import RackSnapshot, RequestSnapshot
from app.ui.looks.appearance import STAGE_LINE_SCALE, Appearance, colour_words, tabular
from app.ui.looks.elided import ElidedLabel
from app.ui.looks.shield import ShieldMark
from app.ui.looks.spoken import spoken
from app.ui.playground.context_gauge import ContextGauge
from app.ui.playground.conversations.talk_actions import TalkActions
from app.ui.playground.conversations.talk_strip import TalkStrip
from app.ui.playground.conversations.talks import Talk, Talks
from app.ui.playground.conversations.talks_dialog import TalksDialog
from app.ui.playground.generation import CAN_GENERATE, Generation
from app.ui.playground.picture_button import PictureButton
from app.ui.playground.prompts_dialog import PromptsDialog
from app.ui.playground.request_wording import Explanation, explanation
from app.ui.playground.sampling_button import SamplingButton
from app.ui.playground.tasks.answer_view import AnswerView
from app.ui.playground.tasks.chat_session import ChatSession
from app.ui.playground.tasks.language_box import LanguageBox
from app.ui.playground.tasks.task_chooser import TaskChooser
from app.ui.playground.tasks.tokens_dialog import TokensDialog
from app.ui.rack_link import RackLink
from app.ui.settings import Settings
from app.words.catalogue import tr
from app.words.requests import NUMBERS, figures_text
from app.words.tasks import task_words

_LEAST_PROMPT = 90
"""Pixels in which a few words can be read."""


class Playground(QWidget):
    """Shows one text or conversation at a time; others go on in the strip above."""

    evidence_wanted = Signal(SlashRow)
    """What a slash rests on is to be opened, from the records of an answer."""

    def __init__(self, link: RackLink, appearance: Appearance, settings: Settings) -> None:
        super().__init__()
        self._link = link
        self._appearance = appearance
        self.talks = Talks()
        self.talk_actions = TalkActions(self.talks, link, self)
        self.strip = TalkStrip(appearance)
        self.task = TaskChooser()
        self.language = LanguageBox()
        self.prompt = QLineEdit(DEMO_PROMPT)
        self.prompt.setMinimumWidth(_LEAST_PROMPT)
        spoken(self.prompt.setAccessibleName, "Prompt")
        self.picture = PictureButton()
        self.sampling = SamplingButton(settings)
        self.tokens = self.sampling.tokens
        self.repeat = QPushButton()
        spoken(self.repeat.setText, "Repeat")
        self.repeat.setObjectName("switch")
        self.repeat.setCheckable(True)
        spoken(
            self.repeat.setToolTip,
            "Keeps text flowing: when one text ends, the next begins with the next seed.",
        )
        self.fresh = QPushButton()
        spoken(self.fresh.setText, "New")
        spoken(self.fresh.setToolTip, "New conversation")
        spoken(self.fresh.setAccessibleName, "New conversation")
        self.generation = Generation(link, self._wanted, self.talks)
        self.generate = QPushButton()
        self.generate.setObjectName("primary")
        self.cancel = QPushButton()
        spoken(self.cancel.setText, "Cancel")
        self.answer = AnswerView(appearance)
        self.stream = self.answer.stream
        self.shield = ShieldMark()
        self.explanation = ElidedLabel()
        self.figures = ElidedLabel()
        self.gauge = ContextGauge(appearance)
        self.each_token = QToolButton()
        self.each_token.setObjectName("each")
        spoken(self.each_token.setText, "Tokens…")
        spoken(self.each_token.setToolTip, "How likely each token was, and what else could stand.")
        self._arrange()
        self.enlarge(1.0)
        self._connect(link)
        appearance.changed.connect(self._refresh)
        self._choose_task(self.task.kind)
        self._enable(None)

    def _connect(self, link: RackLink) -> None:
        self.task.chosen.connect(self._choose_task)
        self.prompt.returnPressed.connect(self.start)
        self.generate.clicked.connect(self.start)
        self.cancel.clicked.connect(self.stop)
        self.each_token.clicked.connect(self._show_tokens)
        self.stream.pointed_at.connect(self.show_token)
        self.fresh.clicked.connect(self.begin_conversation)
        self.repeat.toggled.connect(self.generation.set_repeating)
        self.generation.repeating_changed.connect(self.repeat.setChecked)
        self.generation.refused.connect(self._refused)
        self.strip.chosen.connect(self.show_talk)
        self.strip.stopped.connect(self.generation.stop)
        self.strip.dropped.connect(self._drop)
        self.sampling.presets.failed.connect(link.failed)
        self.picture.failed.connect(link.failed)
        self.talk_actions.changed.connect(self._refresh)
        self.talk_actions.wanted.connect(self.show_talk)
        link.snapshot_changed.connect(self._show)

    def start(self) -> None:
        """Ask for what is typed; what runs goes on beside it."""
        text, kind = self.prompt.text(), self.task.kind
        if not text:
            return
        if kind is TaskKind.CHAT:
            self._say(text)
        else:
            self.generation.start(self.talks.begin(kind, text))
        self._refresh()

    def stop(self) -> None:
        """Stop what is shown, and nothing else."""
        if self.talks.shown is not None:
            self.generation.stop(self.talks.shown)
            self._refresh()

    def begin_conversation(self) -> None:
        """Begin another conversation; the one before stays as it is, and goes on."""
        if self.task.choose(TaskKind.CHAT) and self._session.turns:
            self.talks.begin(TaskKind.CHAT)
        self.prompt.setFocus()
        self._refresh()

    def show_talk(self, talk: Talk) -> None:
        """Bring a text or conversation to the front, with the task that goes with it."""
        self.talks.show(talk)
        if talk.session is not None or talk.kind is not TaskKind.CHAT:
            self.task.choose(talk.kind)
        self._refresh()

    def step(self, by: int) -> None:
        """Bring the next to the front, or the one before."""
        self.talks.step(by)
        if self.talks.shown is not None:
            self.show_talk(self.talks.shown)

    def follow_newest(self) -> None:
        """Show what begins from here on, also what was not asked for here."""
        self.talks.follow_newest()

    def list_talks(self) -> None:
        """Open the list of all texts and conversations."""
        TalksDialog(self._link, self.talks, self.talk_actions, self.window()).show()

    def ask_several(self) -> None:
        """Open the window in which several prompts are asked at once."""
        PromptsDialog(self.ask_each, self.window()).show()

    def ask_each(self, prompts: Sequence[str]) -> None:
        """Ask for each of several texts; all of them run beside each other."""
        kind = self.task.kind
        for text in prompts:
            talk = self.talks.begin(kind, text)
            if talk.session is not None:
                talk.session.say(text)
            self.generation.start(talk, self._ask_of(text, kind))
        self._refresh()

    def _say(self, text: str) -> None:
        session = self._session
        talk = self.talks.shown
        if talk is None or session.waiting:
            return
        session.say(text, self.picture.pictures)
        self.generation.start(talk)
        if talk.running:
            self.prompt.clear()
            self.picture.take(())

    @property
    def _session(self) -> ChatSession:
        """The conversation shown; a new one where none is."""
        shown = self.talks.shown
        if shown is None or shown.session is None:
            shown = self.talks.begin(TaskKind.CHAT)
        return shown.session or ChatSession()

    def enlarge(self, scale: float) -> None:
        """Show the text larger, for a stage."""
        self.answer.enlarge(tabular(self.font(), scale=scale))
        line_scale = min(scale, STAGE_LINE_SCALE)
        self.figures.setFont(tabular(self.font(), scale=0.92 * line_scale))
        self.explanation.setFont(tabular(self.font(), scale=line_scale))

    def _wanted(self) -> Ask | None:
        text = self.prompt.text()
        return self._ask_of(text, self.task.kind) if text else None

    def _ask_of(self, text: str, kind: TaskKind) -> Ask:
        return Ask(self._task(text, kind), self.tokens.value(), self.sampling.sampling())

    def _task(self, text: str, kind: TaskKind) -> Task:
        match kind:
            case TaskKind.GENERATE:
                return Complete(text, pictures=self.picture.pictures)
            case TaskKind.CHAT:
                system = self.sampling.system.toPlainText().strip()
                pictures = self.picture.pictures
                conversation = self._session.conversation(text, system, pictures)
                return Chat(conversation, self.sampling.overflow())
            case TaskKind.SUMMARISE:
                return Summarise(text)
            case TaskKind.TRANSLATE:
                return Translate(text, self.language.currentText())
            case TaskKind.CLASSIFY:
                return Classify(text)
            case TaskKind.EMBED:
                return Embed(text)

    def _choose_task(self, kind: TaskKind) -> None:
        writes = kind not in NUMBERS
        spoken(self.prompt.setPlaceholderText, lambda: task_words(kind).hint)
        spoken(self.generate.setText, lambda: task_words(kind).button)
        self.sampling.setVisible(writes)
        self.sampling.show_system(shown=kind is TaskKind.CHAT)
        self.language.setVisible(kind is TaskKind.TRANSLATE)
        self.repeat.setVisible(kind is TaskKind.GENERATE)
        self.fresh.setVisible(kind is TaskKind.CHAT)
        if kind is not TaskKind.GENERATE:
            self.generation.set_repeating(on=False)
            if self.prompt.text() == DEMO_PROMPT:
                self.prompt.clear()
        self.talks.show_kind(kind)
        self._refresh()

    def _refused(self, typed: str) -> None:
        if typed and not self.prompt.text():
            self.prompt.setText(typed)
        self._refresh()

    def _drop(self, talk: Talk) -> None:
        self.talks.drop(talk)
        self._refresh()

    def _show_tokens(self) -> None:
        self.show_token(None)

    def show_token(self, letter: int | None) -> None:
        """Open the tokens, at the one with that letter of the answer where it is given."""
        dialog = TokensDialog(self._link, lambda: self._concerned, self.window())
        dialog.records.evidence_wanted.connect(self.evidence_wanted)
        dialog.show()
        if letter is not None:
            dialog.choose(letter)

    def _show(self, snapshot: RackSnapshot) -> None:
        self.talks.take(snapshot)
        self.generation.take(snapshot)
        self.task.show_snapshot(snapshot)
        self.picture.show_snapshot(snapshot)
        self._refresh()

    def _refresh(self) -> None:
        self._enable(self._link.snapshot)
        talk = self.talks.shown
        self.strip.show_talks(self.talks.all, talk)
        self.answer.show_talk(talk, self.task.kind)
        concerned = self._concerned
        self.each_token.setVisible(concerned is not None and bool(concerned.choices))
        self.figures.setVisible(concerned is not None)
        snapshot = self._link.snapshot
        room = snapshot.context_tokens if snapshot else 0
        self.gauge.show_request(concerned, room)
        if concerned is not None:
            self.figures.setText(figures_text(concerned, room))
        self._explain()

    @property
    def _concerned(self) -> RequestSnapshot | None:
        """What the lines below tell about: the newest request of what is shown."""
        talk = self.talks.shown
        if talk is None or talk.session is None:
            return talk.request if talk else None
        return talk.session.turns[-1].answer if talk.session.turns else None

    def _enable(self, snapshot: RackSnapshot | None) -> None:
        ready = snapshot is not None and snapshot.phase in CAN_GENERATE
        talk = self.talks.shown
        session = talk.session if talk else None
        self.generate.setEnabled(ready and not (session and session.waiting))
        self.fresh.setEnabled(bool(session and session.turns))
        self.repeat.setEnabled(ready or self.repeat.isChecked())
        self.cancel.setEnabled(bool(talk and talk.running and not talk.unwanted))

    def _explain(self) -> None:
        tokens = self._appearance.tokens
        told = Explanation("", tokens.muted)
        if self.stream.rollback is not None and self.answer.currentWidget() is self.stream:
            words = tr("Struck out: taken back after a failed check, then written again.")
            told = Explanation(words, tokens.slashed)
        elif self._concerned is not None:
            told = explanation(self._concerned, tokens)
        self.explanation.setText(told.words)
        self.explanation.setVisible(bool(told.words))
        colour_words(self.explanation, told.colour)
        self.shield.show_shield(told.shield, told.colour)

    def _arrange(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.prompt, 1)
        line.insertWidget(0, self.task)
        for widget in (
            self.picture,
            self.language,
            self.sampling,
            self.repeat,
            self.fresh,
            self.generate,
            self.cancel,
        ):
            line.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setSpacing(3)
        layout.addLayout(line)
        layout.addWidget(self.strip)
        layout.addWidget(self.answer, 1)
        self.figures.setObjectName("muted")
        below = QHBoxLayout()
        below.addWidget(self.gauge)
        below.addWidget(self.figures)
        below.addStretch(1)
        below.addWidget(self.each_token)
        layout.addLayout(below)
        sure = QHBoxLayout()
        sure.addWidget(self.shield)
        sure.addWidget(self.explanation)
        sure.addStretch(1)
        layout.addLayout(sure)
        self.answer.setMinimumHeight(36)
