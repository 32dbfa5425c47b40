from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.faults.catalogue import Fault, FaultKind
from app.placement.problem import Objective
from app.rack.commands import Identify, Inject, Replan, UseModel
from app.rack.snapshot import ModelChoice
from app.ui.help.dialog import HelpDialog
from app.ui.window.layout_names import Layout
from app.ui.window.main_window import MainWindow
from app.ui.window.palette.command_palette import CommandPalette
from app.ui.window.palette.fuzzy import fuzzy_score
from app.words.pages.glossary import glossary
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import child, publish


def opened(window: MainWindow) -> CommandPalette:
    window.show_palette()
    return child(window, CommandPalette)


def listed(palette: CommandPalette) -> list[str]:
    return [palette.found.item(row).text() for row in range(palette.found.count())]


def plain(action: QAction) -> str:
    return action.text().replace("&", "")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_action_of_the_table_is_found_by_its_words_and_run_by_enter(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot, language: str
) -> None:
    publish(window, control)
    window.appearance.set_language(language)
    palette = opened(window)
    ran: list[str] = []
    for name, action in window.actions_registry.named().items():
        assert plain(action).strip(), name
        was_enabled = action.isEnabled()
        action.setEnabled(True)
        action.triggered.disconnect()
        action.triggered.connect(lambda *_, name=name: ran.append(name))
        palette.open_over(window)
        palette.filter.setText(plain(action))
        assert listed(palette)[0].split("    ")[0] == plain(action), name
        qtbot.keyClick(palette.filter, Qt.Key.Key_Return)
        action.setEnabled(was_enabled)
    assert ran == list(window.actions_registry.named())


def test_no_two_actions_share_a_key_and_all_are_in_a_menu(window: MainWindow) -> None:
    keys = [each.toString() for a in window.actions_registry.all() for each in a.shortcuts()]
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    in_menus = {
        action for menu in window.menuBar().findChildren(QMenu) for action in menu.actions()
    }
    missing = [n for n, a in window.actions_registry.named().items() if a not in in_menus]
    assert missing == []


def test_a_colon_opens_the_palette_but_not_while_one_types(
    window: MainWindow, qtbot: QtBot
) -> None:
    keys = {each.toString() for each in window.actions_registry["palette"].shortcuts()}
    assert keys == {"Ctrl+K", ":"}
    window.playground.prompt.setFocus()
    window.playground.prompt.clear()
    qtbot.keyClicks(window.playground.prompt, "a: b")
    assert window.playground.prompt.text() == "a: b"


def test_the_palette_offers_phones_faults_models_and_objectives(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    control.others = (ModelChoice("small", "q8", 12, 90_000_000),)
    publish(window, control)
    palette = opened(window)
    assert not any("CUBOT" in text for text in listed(palette))
    serial = control.phones[2].serial
    wanted = {
        "cubot ident": Identify(serial),
        "cubot slow": Inject(Fault(FaultKind.SLOW, serial)),
        "use small": UseModel("small"),
        "plan energy": Replan(Objective.ENERGY, ()),
    }
    for typed, command in wanted.items():
        palette.open_over(window)
        palette.filter.setText(typed)
        qtbot.keyClick(palette.filter, Qt.Key.Key_Return)
        assert control.commands[-1] == command


def test_letters_near_together_and_at_the_start_of_words_count_more() -> None:
    assert fuzzy_score("op", "Operator layout") is not None
    assert fuzzy_score("zz", "Operator layout") is None
    texts = ("Show Log", "Language of the system", "Light theme", "Reset layout")
    best = max(texts, key=lambda text: fuzzy_score("lt", text) or -99)
    assert best == "Light theme"
    assert fuzzy_score("layout reset", "Reset layout") is not None
    assert fuzzy_score("", "Quit") == fuzzy_score(" ", "Filter devices") == 0


@given(st.text(max_size=12), st.text(max_size=30))
def test_a_text_always_fits_itself_and_nothing_fails(typed: str, text: str) -> None:
    fuzzy_score(typed, text)
    assert fuzzy_score(text.lower(), text) is not None


@pytest.mark.parametrize("layout", list(Layout))
def test_the_layout_in_use_is_marked(window: MainWindow, layout: Layout) -> None:
    window.actions_registry[f"layout-{layout}"].trigger()
    marked = [each for each in Layout if window.actions_registry[f"layout-{each}"].isChecked()]
    assert marked == [layout]


def test_help_tells_words_and_keys_and_can_be_searched(window: MainWindow) -> None:
    window.actions_registry["help"].trigger()
    dialog = child(window, HelpDialog)
    assert dialog.words.rows.rowCount() == len(glossary())
    told = dict(dialog.keys.rows.rows)
    assert told["F1"] == "Words and keys…"
    assert "Ctrl+K, :" in told
    dialog.filter.setText("stake: what")
    assert [row[0] for row in dialog.words.rows.rows] == ["S"]
    dialog.close()
