"""The language to translate into: a few to choose, any other to type."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox

_LANGUAGES = ("English", "German", "French", "Spanish", "Japanese", "Chinese", "Arabic", "Hindi")


class LanguageBox(QComboBox):
    """Languages by their English names, as models know them best."""

    def __init__(self) -> None:
        super().__init__()
        self.setEditable(True)
        self.addItems(_LANGUAGES)
        self.setCurrentText("German")
        self.setToolTip(self.tr("The language to translate into"))
        self.setAccessibleName(self.tr("Language"))
