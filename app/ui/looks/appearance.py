"""The look as a whole: style, palette and style sheet from the semantic colours; the language."""

from __future__ import annotations

import os

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QLabel

from app.ui.looks.lettering import use_lettering
from app.ui.looks.spoken import say_again
from app.ui.looks.stock_words import use_stock_words
from app.ui.looks.stylesheet import style_sheet
from app.ui.looks.tokens import DARK, THEMES, Tokens
from app.ui.settings import Settings
from app.words.catalogue import language_of, language_used, use_language

STAGE_LINE_SCALE = 1.5
"""How much larger lines of figures get on a stage at most."""


class Appearance(QObject):
    """Holds the colours in force; painters read `tokens` each time they paint.

    `changed` tells that anything may look or read differently.
    """

    changed = Signal()

    def __init__(self, application: QApplication, settings: Settings) -> None:
        super().__init__()
        self._application = application
        self._settings = settings
        self.tokens: Tokens = DARK
        application.setStyle("Fusion")
        hints = application.styleHints()
        hints.colorSchemeChanged.connect(self._system_changed)
        hints.accessibility().contrastPreferenceChanged.connect(self._system_changed)
        self._speak()
        self._apply()

    @property
    def theme(self) -> str:
        """`system` or the name of one of `THEMES`."""
        return self._settings.theme if self._settings.theme in THEMES else "system"

    def set_theme(self, theme: str) -> None:
        """Switch and remember the theme."""
        self._settings.theme = theme
        self._apply()

    @property
    def language(self) -> str:
        """`system` or the code of a language."""
        return self._settings.language

    def set_language(self, language: str) -> None:
        """Switch and remember the language: whatever the window says is said anew, at once."""
        self._settings.language = language
        self._say_anew()

    def speak(self, language: str) -> None:
        """Switch the language for this run alone."""
        self._settings.ask_language(language)
        self._say_anew()

    def _say_anew(self) -> None:
        self._speak()
        say_again()
        self.changed.emit()

    @property
    def reduce_motion(self) -> bool:
        """Whether nothing should move by itself."""
        return self._settings.reduce_motion

    def set_reduce_motion(self, reduced: bool) -> None:  # noqa: FBT001 - a Qt slot
        """Switch and remember whether things move by themselves."""
        self._settings.reduce_motion = reduced
        self.changed.emit()

    def _speak(self) -> None:
        chosen = self.language
        use_language(language_of(os.environ) if chosen == "system" else chosen)
        use_stock_words(self._application, language_used())
        if use_lettering(self._application, language_used()):
            # Widgets under a style sheet take another font only when that is set once more.
            self._application.setStyleSheet(style_sheet(self.tokens))

    def _system_changed(self) -> None:
        if self.theme == "system":
            self._apply()

    def _apply(self) -> None:
        self.tokens = THEMES[self._of_system() if self.theme == "system" else self.theme]
        self._application.setPalette(palette_of(self.tokens))
        self._application.setStyleSheet(style_sheet(self.tokens))
        self.changed.emit()

    def _of_system(self) -> str:
        """Return the theme that the system asks for: contrast before dark or light."""
        hints = self._application.styleHints()
        if hints.accessibility().contrastPreference() is Qt.ContrastPreference.HighContrast:
            return "contrast"
        return "light" if hints.colorScheme() is Qt.ColorScheme.Light else "dark"


def palette_of(tokens: Tokens) -> QPalette:
    """Return the Qt palette of a set of colours."""
    palette = QPalette()
    role = QPalette.ColorRole
    pairs = {
        role.Window: tokens.surface,
        role.Base: tokens.raised,
        role.AlternateBase: tokens.surface,
        role.Button: tokens.raised,
        role.ToolTipBase: tokens.raised,
        role.WindowText: tokens.text,
        role.Text: tokens.text,
        role.ButtonText: tokens.text,
        role.ToolTipText: tokens.text,
        role.PlaceholderText: tokens.muted,
        role.Highlight: tokens.accent,
        role.HighlightedText: tokens.surface,
        role.Link: tokens.accent,
        role.Mid: tokens.line,
    }
    for key, colour in pairs.items():
        palette.setColor(key, QColor(colour))
    disabled = QPalette.ColorGroup.Disabled
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(disabled, key, QColor(tokens.muted))
    return palette


def colour_words(label: QLabel, colour: str) -> None:
    """Give a label's words a colour; unlike a style sheet this leaves its font alone."""
    palette = label.palette()
    ink = QColor(colour)
    if palette.color(QPalette.ColorRole.WindowText) != ink:
        palette.setColor(QPalette.ColorRole.WindowText, ink)
        label.setPalette(palette)


def tabular(font: QFont, *, scale: float = 1.0, bold: bool = False) -> QFont:
    """Return a copy whose figures all have one width, scaled."""
    copy = QFont(font)
    copy.setFeature(QFont.Tag("tnum"), 1)
    copy.setPointSizeF(font.pointSizeF() * scale)
    copy.setBold(bold)
    return copy
