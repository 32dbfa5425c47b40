"""What is done with texts and conversations: show, rename, export, delete and have back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from app.core.errors import BadInputError
from app.ui.playground.conversations.talk_export import export_talk
from app.ui.playground.conversations.talks import Talk, Talks
from app.ui.rack_link import RackLink
from app.words.catalogue import tr
from app.words.requests import talk_forms
from app.words.sentences import error_text


class TalkActions(QObject):
    """Acts on one talk, or on the one that is shown; its dialogs belong to a widget."""

    changed = Signal()
    wanted = Signal(object)
    """A `Talk` that is to be shown."""

    def __init__(self, talks: Talks, link: RackLink, owner: QWidget) -> None:
        super().__init__(owner)
        self._talks, self._link, self._owner = talks, link, owner

    def show(self, talk: Talk) -> None:
        """Bring one to the front, back on the strip where it was not."""
        self.wanted.emit(talk)

    def rename_shown(self) -> None:
        """Ask what the one that is shown is to be called."""
        if self._talks.shown is not None:
            self.rename(self._talks.shown)

    def rename(self, talk: Talk) -> None:
        """Ask what one is to be called."""
        dialog = QInputDialog(self._owner)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(tr("Rename"))
        dialog.setLabelText(tr("What it is called; empty for how it began:"))
        dialog.setTextValue(talk.title)
        dialog.textValueSelected.connect(lambda name: self._name(talk, name))
        dialog.open()

    def save_shown(self) -> None:
        """Ask for a file, and save the one that is shown there."""
        if self._talks.shown is not None:
            self.ask_where(self._talks.shown)

    def ask_where(self, talk: Talk) -> None:
        """Ask for a file, and save one there."""
        dialog = QFileDialog(self._owner.window(), tr("Save the text"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(talk_forms())
        dialog.selectFile("shardloom.md")
        dialog.fileSelected.connect(lambda path: self.save(Path(path), talk))
        dialog.open()

    def save(self, path: Path, talk: Talk) -> None:
        """Write one into a file; why that failed is told by the window."""
        try:
            export_talk(path, talk)
        except BadInputError as error:
            self._link.failed.emit(error_text(error))

    def delete(self, talks: Sequence[Talk]) -> None:
        """Delete those that have ended."""
        self._talks.delete(talks)
        self.changed.emit()

    def undelete(self) -> None:
        """Have back what was deleted last."""
        self._talks.undelete()
        self.changed.emit()

    def _name(self, talk: Talk, name: str) -> None:
        talk.name = " ".join(name.split())
        self.changed.emit()
