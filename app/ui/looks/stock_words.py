"""Qt's own words, which only its stock dialogs and buttons say."""

from __future__ import annotations

from PySide6.QtCore import QLibraryInfo, QTranslator
from PySide6.QtWidgets import QApplication

_NAME = "stock-words"


def use_stock_words(application: QApplication, language: str) -> None:
    """Let Qt say its words in that language; where it has no catalogue it says them in English.

    Qt tells every widget that the language has changed.
    """
    for before in application.findChildren(QTranslator, _NAME):
        application.removeTranslator(before)
        before.deleteLater()
    translator = QTranslator(application)
    translator.setObjectName(_NAME)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if translator.load(f"qtbase_{language}", folder):
        application.installTranslator(translator)
    else:
        translator.deleteLater()
