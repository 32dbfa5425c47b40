"""One registry of actions feeds the menus, the shortcuts and the command palette."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow

from app.ui.looks.spoken import said, spoken
from app.words.catalogue import Message

Words = Message | Callable[[], str]
"""A key of the catalogues, or what says it."""


class StepAction(QAction):
    """Takes a step back or does it again, and says which one."""

    def __init__(self, parent: QObject, words: Callable[[str], str]) -> None:
        super().__init__(parent, enabled=False)
        self._step = ""
        self._words = words
        said(self, "words", StepAction._say)

    def show_step(self, step: str) -> None:
        """Say another step from now on: a key of the catalogues, empty where there is none."""
        self._step = step
        self._say()

    def _say(self) -> None:
        self.setText(self._words(self._step))


class ActionRegistry:
    """Every action a person can reach, by name, in the order they were added."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._actions: dict[str, QAction] = {}

    def add(
        self, name: str, words: Words, trigger: Callable[[], object], shortcut: str = ""
    ) -> QAction:
        """Add an action that does something."""
        action = QAction(self._window)
        spoken(action.setText, words)
        action.triggered.connect(lambda _checked: trigger())
        return self.adopt(name, action, shortcut)

    def add_switch(
        self, name: str, words: Words, toggled: Callable[[bool], object], *, on: bool
    ) -> QAction:
        """Add an action that is on or off."""
        action = QAction(self._window, checkable=True, checked=on)
        spoken(action.setText, words)
        action.toggled.connect(toggled)
        return self.adopt(name, action)

    def adopt(self, name: str, action: QAction, shortcut: str = "") -> QAction:
        """Add an action made elsewhere; several shortcuts have spaces between them."""
        if shortcut:
            action.setShortcuts([QKeySequence(each) for each in shortcut.split()])
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        self._window.addAction(action)
        self._actions[name] = action
        return action

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def all(self) -> tuple[QAction, ...]:
        """Return every action."""
        return tuple(self._actions.values())

    def named(self) -> Mapping[str, QAction]:
        """Return every action by its name."""
        return MappingProxyType(self._actions)
