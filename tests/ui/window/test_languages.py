from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction, QFontDatabase
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QDockWidget,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QTableView,
    QTabWidget,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.ui.connect.dialog import ConnectDialog
from app.ui.layer_map.compare_dialog import CompareDialog
from app.ui.looks.spoken import say_again, spoken_label
from app.ui.playground.tasks.language_box import _LANGUAGES
from app.ui.playground.tasks.tokens_dialog import TokensDialog
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from app.words.catalogue import message, use_language
from app.words.window import undo_text
from tests.ui.scripted_control import NAMES, ScriptedControl
from tests.ui.window_support import child, publish

LATIN_WORD = re.compile(r"[A-Za-z]{3,}")
SAME_EVERYWHERE = {
    *NAMES,
    *(f"{position}  {name}" for position, name in enumerate(NAMES, start=1)),
    *_LANGUAGES,  # models know them best by these names
    "Shardloom",
    "Ctrl+K",
    "English",
    "p95",
    "Top-p",
    "Wi-Fi",
}
"""What reads the same in every language."""
NEVER_SEEN = {
    "Close",
    "Closes the dock widget",
    "Export...",
    "Float",
    "Scroll Left",
    "Scroll Right",
    "Undocks and re-attaches the dock widget",
    "header",
}
"""Of parts of Qt and pyqtgraph that the window hides or replaces."""


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    use_language("en")


def texts(root: QWidget) -> list[str]:
    """Return every text below a widget, always in one order."""
    QCoreApplication.sendPostedEvents()  # Qt tells its stock buttons of a new language so
    found: list[str] = []
    for widget in root.findChildren(QWidget):
        found += [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()]
        match widget:
            case QLabel() | QAbstractButton():
                found.append(widget.text())
            case QComboBox():
                found += [widget.itemText(index) for index in range(widget.count())]
            case QTabWidget():
                found += [widget.tabText(index) for index in range(widget.count())]
            case QTableView():
                found += titles(widget)
            case QLineEdit() | QPlainTextEdit() | QTextEdit():
                found.append(widget.placeholderText())
            case QDockWidget() | QDialog():
                found.append(widget.windowTitle())
            case QMenu():
                found.append(widget.title())
            case _:
                pass
    return found + [action.text() for action in root.findChildren(QAction)]


def titles(table: QTableView) -> list[str]:
    model, across = table.model(), Qt.Orientation.Horizontal
    return [str(model.headerData(index, across) or "") for index in range(model.columnCount())]


def left_in_english(before: list[str], after: list[str]) -> set[str]:
    """Return what reads the same before and after, and has a word of English in it."""
    same = {old for old, new in zip(before, after, strict=True) if old == new}
    return {text for text in same if LATIN_WORD.search(text)} - SAME_EVERYWHERE - NEVER_SEEN


def test_every_text_of_the_window_follows_the_language_at_once(
    window: MainWindow, control: ScriptedControl
) -> None:
    window.add_charts()
    publish(window, control)
    english = texts(window)
    window.appearance.set_language("ja")
    publish(window, control)
    japanese = texts(window)
    assert left_in_english(english, japanese) == set()
    assert "再計画" in japanese
    window.appearance.set_language("en")
    publish(window, control)
    back = zip(english, texts(window), strict=True)
    assert [new for old, new in back if old] == [text for text in english if text]


def test_what_a_person_did_stays_when_the_language_changes(window: MainWindow) -> None:
    requested = window.editor.requested
    assert requested is not None
    window.editor.commit(requested.with_seam(0, 1), message("Move boundary"))
    wanted = window.editor.requested
    window.playground.prompt.setText("Once upon a time")
    window.playground.sampling.seed.setText("7")
    window.ledger.show_journal()
    window.docks["log"].hide()
    undo = window.actions_registry["undo"]
    assert undo.text() == "Undo Move boundary"
    window.appearance.set_language("ja")
    assert undo.text() == undo_text("Move boundary") != "Undo Move boundary"
    assert "シード 7" in window.playground.sampling.text()
    assert window.editor.requested == wanted
    assert window.editor.undo_stack.canUndo()
    assert window.playground.prompt.text() == "Once upon a time"
    assert window.ledger.tabs.currentWidget() is window.ledger.journal
    assert window.docks["log"].isHidden()
    assert not window.docks["map"].isHidden()


def test_the_language_is_remembered_and_one_asked_for_is_not(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "window.ini")
    assert settings.language == "system"
    settings.ask_language("ja")
    assert settings.language == "ja"
    assert Settings(tmp_path / "window.ini").language == "system"
    settings.language = "en"
    assert settings.language == "en"
    settings.language = "tlh"
    assert settings.language == "system"


@pytest.mark.parametrize("kind", [ConnectDialog, CompareDialog, TokensDialog])
def test_an_open_dialog_follows_too(
    window: MainWindow, control: ScriptedControl, kind: type[QDialog]
) -> None:
    control.answers = False
    if kind is ConnectDialog:
        window.show_connect()
    elif kind is CompareDialog:
        window.show_comparison()
    else:
        TokensDialog(window.link, lambda: None, window).show()
    dialog = child(window, kind)
    english = [dialog.windowTitle(), *texts(dialog)]
    window.appearance.set_language("ja")
    said_elsewhere = {"Getting ready…"}  # how it went stays as it was said
    assert left_in_english(english, [dialog.windowTitle(), *texts(dialog)]) <= said_elsewhere
    dialog.close()


def test_stock_buttons_speak_the_language_too(window: MainWindow) -> None:
    window.appearance.set_language("ja")
    dialog = TokensDialog(window.link, lambda: None, window)
    assert "閉じる" in {
        button.text().partition("(")[0] for button in dialog.findChildren(QPushButton)
    }
    dialog.close()


def test_the_language_menu_names_each_language_in_itself(window: MainWindow, qtbot: QtBot) -> None:
    del qtbot
    window.actions_registry["language-ja"].trigger()
    assert window.actions_registry["language-ja"].text() == "日本語"
    assert window.actions_registry["language-en"].text() == "English"
    assert window.actions_registry["language-system"].text() == "システムの言語"
    assert window.settings.language == "ja"


def test_a_widget_that_is_gone_is_neither_kept_nor_spoken_to(qapp: QApplication) -> None:
    del qapp
    label = spoken_label("Re-plan")
    gone = weakref.ref(label)
    kept = spoken_label("Apply")
    deleted = spoken_label("Undo")
    del label
    gc.collect()
    assert gone() is None
    shiboken6.delete(deleted)
    use_language("ja")
    say_again()
    assert kept.text() == "適用"


def test_japanese_is_written_in_a_font_of_its_own_where_there_is_one(window: MainWindow) -> None:
    before = QApplication.font().families()
    window.appearance.set_language("ja")
    added = QApplication.font().families()[len(before) :]
    japanese = QFontDatabase.families(QFontDatabase.WritingSystem.Japanese)
    assert QApplication.font().families()[: len(before)] == before
    assert set(added) <= set(japanese)
    window.appearance.set_language("en")
    assert QApplication.font().families() == before
