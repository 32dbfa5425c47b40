"""Ctrl+K or `:`: find what can be done by a few of its letters, and do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.ui.looks.spoken import spoken
from app.ui.window.actions import ActionRegistry
from app.ui.window.palette.fuzzy import fuzzy_score
from app.ui.window.palette.rack_actions import PaletteEntry

_MOST_SHOWN = 100


class CommandPalette(QDialog):
    """Type to narrow, arrows to choose, Enter to run, Esc to leave."""

    def __init__(
        self,
        registry: ActionRegistry,
        more: Callable[[], Iterable[PaletteEntry]],
        parent: QWidget,
    ) -> None:
        """`more` is what there is to do besides, now."""
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("palette")
        self._registry = registry
        self._more = more
        self._of_rack: tuple[PaletteEntry, ...] | None = None
        self.filter = QLineEdit()
        spoken(self.filter.setAccessibleName, "Type a command")
        spoken(self.filter.setPlaceholderText, "Type a command")
        self.filter.textChanged.connect(self._narrow)
        self.filter.installEventFilter(self)
        self.found = QListWidget()
        spoken(self.found.setAccessibleName, "Commands")
        self.found.itemActivated.connect(lambda _: self.run_chosen())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addWidget(self.filter)
        layout.addWidget(self.found)
        self.resize(520, 380)

    def open_over(self, window: QWidget) -> None:
        """Open in the upper middle of a window."""
        self._of_rack = None
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
            entry: PaletteEntry = item.data(Qt.ItemDataRole.UserRole)
            entry.run()

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
        """List what fits, the best first; of the rack only what was typed for."""
        entries = [*self._actions(), *(self._rack_entries() if typed.strip() else ())]
        scored = [(fuzzy_score(typed, entry.words), entry) for entry in entries]
        fitting = [(score, entry) for score, entry in scored if score is not None]
        fitting.sort(key=lambda each: -each[0])
        self.found.clear()
        for _, entry in fitting[:_MOST_SHOWN]:
            item = QListWidgetItem(f"{entry.words}    {entry.keys}" if entry.keys else entry.words)
            item.setData(Qt.ItemDataRole.UserRole, entry)
            self.found.addItem(item)
        self.found.setCurrentRow(0)

    def _rack_entries(self) -> tuple[PaletteEntry, ...]:
        """Return what there is to do with the rack, found out once each time it is opened."""
        if self._of_rack is None:
            self._of_rack = tuple(self._more())
        return self._of_rack

    def _actions(self) -> Iterator[PaletteEntry]:
        for action in self._registry.all():
            if action.isEnabled():
                keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
                yield PaletteEntry(action.text().replace("&", ""), action.trigger, keys)
