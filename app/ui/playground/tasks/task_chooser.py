"""Which task: a box with only what the model on the rack can do."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox

from app.core.tasks import TaskKind
from app.rack.snapshot import RackSnapshot
from app.ui.looks.spoken import spoken, spoken_items
from app.words.tasks import task_words


class TaskChooser(QComboBox):
    """Hidden while there is nothing to choose."""

    chosen = Signal(object)
    """A `TaskKind`."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: tuple[TaskKind, ...] = ()
        spoken(self.setAccessibleName, "Task")
        spoken(self.setToolTip, "What the model is asked for")
        self.currentIndexChanged.connect(lambda _: self.chosen.emit(self.kind))
        self.offer((TaskKind.GENERATE,))

    @property
    def kind(self) -> TaskKind:
        """The task chosen."""
        return self._kinds[max(self.currentIndex(), 0)]

    def choose(self, kind: TaskKind) -> bool:
        """Choose a task; tells whether the model can do it."""
        if kind in self._kinds:
            self.setCurrentIndex(self._kinds.index(kind))
        return kind in self._kinds

    def show_snapshot(self, snapshot: RackSnapshot) -> None:
        """Offer what the model on the rack can do."""
        if snapshot.model is not None:
            self.offer(snapshot.model.tasks)

    def offer(self, kinds: tuple[TaskKind, ...]) -> None:
        """Offer these; what was chosen stays chosen where it is among them."""
        if kinds == self._kinds:
            return
        before = self.kind if self._kinds else None
        self.blockSignals(True)
        self.clear()
        self._kinds = kinds
        for kind in kinds:
            self.addItem("", kind)
        spoken_items(self, lambda kind: task_words(TaskKind(kind)).name)
        self.setCurrentIndex(kinds.index(before) if before in kinds else 0)
        self.blockSignals(False)
        self.setVisible(len(kinds) > 1)
        if self.kind is not before:
            self.chosen.emit(self.kind)
