"""The language to translate into: a few to choose, any other to type."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox

from app.ui.looks.spoken import spoken

_LANGUAGES = ("English", "German", "French", "Spanish", "Japanese", "Chinese", "Arabic", "Hindi")


class LanguageBox(QComboBox):
    """Languages by their English names, as models know them best."""

    def __init__(self) -> None:
        super().__init__()
        self.setEditable(True)
        self.addItems(_LANGUAGES)
        self.setCurrentText("German")
        spoken(self.setToolTip, "The language to translate into")
        spoken(self.setAccessibleName, "Language")
