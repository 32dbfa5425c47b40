"""One registry of actions feeds the menus, the shortcuts and the command palette."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow


class ActionRegistry:
    """Every action a person can reach, by name, in the order they were added."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._actions: dict[str, QAction] = {}

    def add(
        self, name: str, words: str, trigger: Callable[[], object], shortcut: str = ""
    ) -> QAction:
        """Add an action that does something."""
        action = QAction(words, self._window)
        action.triggered.connect(lambda _checked: trigger())
        return self.adopt(name, action, shortcut)

    def add_switch(
        self, name: str, words: str, toggled: Callable[[bool], object], *, on: bool
    ) -> QAction:
        """Add an action that is on or off."""
        action = QAction(words, self._window, checkable=True, checked=on)
        action.toggled.connect(toggled)
        return self.adopt(name, action)

    def adopt(self, name: str, action: QAction, shortcut: str = "") -> QAction:
        """Add an action made elsewhere."""
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        self._window.addAction(action)
        self._actions[name] = action
        return action

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def all(self) -> tuple[QAction, ...]:
        """Return every action."""
        return tuple(self._actions.values())
