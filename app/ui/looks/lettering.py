"""The fonts that a language is written with, behind the system's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

_JAPANESE: Final = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Source Han Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "TakaoPGothic",
    "VL PGothic",
)
"""Japanese writes characters that it shares with Chinese otherwise: the font has to be its own."""


def use_lettering(application: QApplication, language: str) -> bool:
    """Take letters that the system's font lacks from a font made for the language.

    Returns whether that is another font than before.
    """
    wanted = [*_system_families(), *_families(language)]
    if application.font().families() == wanted:
        return False
    font = QFont(application.font())
    font.setFamilies(wanted)
    application.setFont(font)
    return True


def _system_families() -> Sequence[str]:
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).families()


def _families(language: str) -> Sequence[str]:
    if language != "ja":
        return ()
    there = QFontDatabase.families(QFontDatabase.WritingSystem.Japanese)
    return [name for name in _JAPANESE if name in there][:1]
