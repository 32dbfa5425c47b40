"""Ctrl+K: find an action by its words and run it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.ui.looks.spoken import spoken
from app.ui.window.actions import ActionRegistry


class CommandPalette(QDialog):
    """Type to narrow, arrows to choose, Enter to run, Esc to leave."""

    def __init__(self, registry: ActionRegistry, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("palette")
        self._registry = registry
        self.filter = QLineEdit()
        spoken(self.filter.setPlaceholderText, "Type a command")
        self.filter.textChanged.connect(self._narrow)
        self.filter.installEventFilter(self)
        self.found = QListWidget()
        self.found.itemActivated.connect(lambda _: self.run_chosen())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addWidget(self.filter)
        layout.addWidget(self.found)
        self.resize(460, 340)

    def open_over(self, window: QWidget) -> None:
        """Open in the upper middle of a window."""
        self.filter.clear()
        self._narrow("")
        middle = window.mapToGlobal(window.rect().center())
        self.move(
            middle.x() - self.width() // 2, window.mapToGlobal(window.rect().topLeft()).y() + 90
        )
        self.show()
        self.filter.setFocus()

    def run_chosen(self) -> None:
        """Run the chosen action and close."""
        item = self.found.currentItem()
        self.hide()
        if item is not None:
            action: QAction = item.data(Qt.ItemDataRole.UserRole)
            action.trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Let arrows and Enter typed into the filter steer the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
            if step:
                row = self.found.currentRow() + step
                self.found.setCurrentRow(max(0, min(row, self.found.count() - 1)))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.run_chosen()
                return True
        return super().eventFilter(watched, event)

    def _narrow(self, typed: str) -> None:
        self.found.clear()
        words = typed.lower().split()
        for action in self._registry.all():
            text = action.text().replace("&", "")
            if action.isEnabled() and all(word in text.lower() for word in words):
                keys = action.shortcut().toString()
                item = QListWidgetItem(f"{text}    {keys}" if keys else text)
                item.setData(Qt.ItemDataRole.UserRole, action)
                self.found.addItem(item)
        self.found.setCurrentRow(0)
