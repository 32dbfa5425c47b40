"""Chooses a preset of sampling; saves, renames and deletes a person's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import BadInputError
from app.ui.looks.spoken import spoken, spoken_items
from app.ui.playground.presets import OwnPreset, OwnPresets, SamplingPreset, preset_word
from app.ui.settings import Settings
from app.words.catalogue import tr
from app.words.sentences import error_text

Preset = SamplingPreset | OwnPreset


class PresetBox(QWidget):
    """A list of presets and, below it, what can be done with one."""

    chosen = Signal(object)
    """A `SamplingPreset` or `OwnPreset` whose values are wanted."""
    failed = Signal(str)
    """One plain line about something that could not be done."""

    def __init__(
        self, settings: Settings, current: Callable[[], OwnPreset], owner: QWidget
    ) -> None:
        """Take what returns the values set now, without a name, and whose window asks for names."""
        super().__init__()
        self._current, self._owner = current, owner
        self.own = OwnPresets(settings)
        self._picked: Preset | None = None
        """Chosen last: named again while its values stand, whatever else has the same."""
        self.list = QComboBox()
        spoken(self.list.setAccessibleName, "Preset")
        self.save, self.rename, self.delete = QPushButton(), QPushButton(), QPushButton()
        spoken(self.save.setText, "Save…")
        spoken(self.save.setToolTip, "Keep temperature, top-p, length and stops under a name.")
        spoken(self.rename.setText, "Rename…")
        spoken(self.delete.setText, "Delete")
        self._arrange()
        self.list.activated.connect(lambda _: self._choose())
        self.save.clicked.connect(self._ask_name)
        self.rename.clicked.connect(self._ask_new_name)
        self.delete.clicked.connect(self._delete)
        self._fill()

    @property
    def shown(self) -> Preset | None:
        """The preset that is named now."""
        preset: Preset | None = self.list.currentData()
        return preset

    def follow(self) -> None:
        """Name the preset whose values are set, if they are those of one."""
        current = self._current()
        every = [self.list.itemData(place) for place in range(1, self.list.count())]
        fitting = [each for each in every if each is not None and _fits(each, current)]
        best = self._picked if self._picked in fitting else next(iter(fitting), None)
        self.list.setCurrentIndex(0 if best is None else every.index(best) + 1)
        is_own = isinstance(best, OwnPreset)
        self.rename.setEnabled(is_own)
        self.delete.setEnabled(is_own)

    def save_as(self, name: str) -> None:
        """Keep what is set under a name."""
        try:
            self._picked = self.own.save(replace(self._current(), name=name))
        except BadInputError as error:
            self.failed.emit(error_text(error))
        self._fill()

    def rename_to(self, name: str) -> None:
        """Give the preset that is named another name."""
        shown = self.shown
        if isinstance(shown, OwnPreset):
            try:
                self._picked = self.own.rename(shown, name)
            except BadInputError as error:
                self.failed.emit(error_text(error))
            self._fill()

    def _delete(self) -> None:
        """Forget the preset that is named; what it set stays set, to be saved again."""
        if isinstance(self.shown, OwnPreset):
            self.own.delete(self.shown)
            self._fill()

    def _choose(self) -> None:
        self._picked = self.shown
        if self._picked is not None:
            self.chosen.emit(self._picked)

    def _fill(self) -> None:
        self.list.clear()
        self.list.addItem("", None)
        for preset in (*SamplingPreset, *self.own.all):
            self.list.addItem("", preset)
        spoken_items(self.list, _preset_text)
        self.follow()

    def _ask_name(self) -> None:
        known = self._picked.name if isinstance(self._picked, OwnPreset) else ""
        label = tr("Its name; one of the same name is replaced:")
        self._ask(tr("Save a preset"), label, known, self.save_as)

    def _ask_new_name(self) -> None:
        if isinstance(self.shown, OwnPreset):
            self._ask(tr("Rename"), tr("What it is called:"), self.shown.name, self.rename_to)

    def _ask(self, title: str, label: str, value: str, answer: Callable[[str], None]) -> None:
        """Ask for a name in a window of its own: the menu that this stands in goes first."""
        menu = QApplication.activePopupWidget()
        if menu is not None:
            menu.close()
        dialog = QInputDialog(self._owner.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(title)
        dialog.setLabelText(label)
        dialog.setTextValue(value)
        dialog.textValueSelected.connect(answer)
        dialog.open()

    def _arrange(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(4)
        for button in (self.save, self.rename, self.delete):
            line.addWidget(button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.list)
        layout.addLayout(line)


def _fits(preset: Preset, current: OwnPreset) -> bool:
    if isinstance(preset, OwnPreset):
        return replace(preset, name="") == current
    return preset.value == current.taste


def _preset_text(preset: Preset | None) -> str:
    if preset is None:
        return tr("as set below")
    return preset.name if isinstance(preset, OwnPreset) else tr(preset_word(preset))
