"""The list of all texts and conversations: search, open, rename, export, delete and undo."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.looks.spoken import said, spoken
from app.ui.looks.table import ROW_ROLE, Column, RowsModel, Table
from app.ui.playground.conversations.talk_actions import TalkActions
from app.ui.playground.conversations.talks import Talk, Talks
from app.ui.rack_link import RackLink
from app.words.catalogue import Message, message
from app.words.requests import length_text, talk_title, talks_count
from app.words.states import day_text, listed, request_word
from app.words.tasks import task_words


class TalksDialog(QDialog):
    """Stays beside the window and follows what begins and ends."""

    def __init__(self, link: RackLink, talks: Talks, actions: TalkActions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Texts and conversations")
        self._talks, self._actions = talks, actions
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        spoken(self.search.setPlaceholderText, "Search in what was asked and answered")
        spoken(self.search.setAccessibleName, "Search in what was asked and answered")
        self.table = Table(RowsModel[Talk](_columns(), id))
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        spoken(self.table.setAccessibleName, "Texts and conversations")
        self.table.stretch_first_column()
        self.count = QLabel()
        self.count.setObjectName("muted")
        self.show_it = _button(message("Open"), self._open)
        self.show_it.setObjectName("primary")
        self.rename = _button(message("Rename…"), self._rename)
        self.export = _button(message("Export…"), self._export)
        self.delete = _button(message("Delete"), self._delete)
        self.undo = _button(message("Undo the deletion"), self._undo)
        self._arrange()
        self.search.textChanged.connect(self._show)
        self.table.activated.connect(lambda _: self._open())
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        for keys, act in (("Delete", self._delete), ("F2", self._rename), ("Ctrl+Z", self._undo)):
            QShortcut(QKeySequence(keys), self.table, act).setContext(
                Qt.ShortcutContext.WidgetShortcut
            )
        link.snapshot_changed.connect(lambda _: self._show())
        actions.changed.connect(self._show)
        said(self, "words", TalksDialog._show)
        self.search.setFocus()

    @property
    def _chosen(self) -> list[Talk]:
        rows = self.table.selectionModel().selectedRows()
        return [index.data(ROW_ROLE) for index in rows]

    def _show(self) -> None:
        wanted = self.search.text().casefold().split()
        every = self._talks.listed
        found = [talk for talk in every if all(word in _all_of(talk) for word in wanted)]
        self.table.rows.show_rows(found)
        self.count.setText(talks_count(len(found), len(every)))
        self._enable()

    def _enable(self) -> None:
        chosen = self._chosen
        self.show_it.setEnabled(len(chosen) == 1)
        self.rename.setEnabled(len(chosen) == 1)
        self.export.setEnabled(len(chosen) == 1)
        self.delete.setEnabled(any(not talk.running for talk in chosen))
        deleted = self._talks.deleted
        self.undo.setEnabled(bool(deleted))
        self.undo.setToolTip(listed(talk_title(talk.title) for talk in deleted))

    def _open(self) -> None:
        for talk in self._chosen[:1]:
            self._actions.show(talk)
            self._show()

    def _rename(self) -> None:
        for talk in self._chosen[:1]:
            self._actions.rename(talk)

    def _export(self) -> None:
        for talk in self._chosen[:1]:
            self._actions.ask_where(talk)

    def _delete(self) -> None:
        self._actions.delete(self._chosen)

    def _undo(self) -> None:
        self._actions.undelete()

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addWidget(self.count)
        buttons = QHBoxLayout()
        buttons.addWidget(self.undo)
        buttons.addStretch(1)
        for button in (self.delete, self.export, self.rename, self.show_it):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 14)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addLayout(buttons)
        self.resize(760, 460)


def _all_of(talk: Talk) -> str:
    turns = talk.session.turns if talk.session else ()
    said = [text for turn in turns for text in (turn.said, turn.answered)]
    answer = talk.request.text if talk.request else ""
    return "\n".join((talk.name, talk.prompt, answer, *said)).casefold()


def _columns() -> tuple[Column[Talk], ...]:
    right = Qt.AlignmentFlag.AlignRight
    return (
        Column(message("Title"), lambda talk: talk_title(talk.title), tooltip=lambda t: t.title),
        Column(message("Task"), lambda talk: task_words(talk.kind).name),
        Column(message("Begun"), lambda talk: day_text(talk.begun_ms)),
        Column(message("Tokens"), lambda talk: length_text(talk.request), right),
        Column(message("State"), lambda talk: request_word(talk.request) if talk.request else ""),
    )


def _button(words: Message, press: Callable[[], object]) -> QPushButton:
    button = QPushButton()
    button.setAutoDefault(False)
    spoken(button.setText, words)
    button.clicked.connect(lambda _checked: press())
    return button
