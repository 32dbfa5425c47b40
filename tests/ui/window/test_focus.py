"""Keys never reach a panel that nobody sees: walked through with real key events."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.rack.commands import Inject
from app.ui.faults.faults_panel import FaultsPanel
from app.ui.looks.seen import is_seen
from app.ui.settings import Settings
from app.ui.window.dock import Dock
from app.ui.window.layout_names import Layout
from app.ui.window.main_window import MainWindow
from app.ui.window.palette.command_palette import CommandPalette
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import open_rack, open_window, publish, settle, shut

STEPS = 80
"""More than the window has places for the focus."""


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def walk(window: MainWindow, key: Qt.Key) -> set[QWidget]:
    """Press a key again and again, from the prompt; every stop has to be seen."""
    window.activateWindow()
    window.playground.prompt.setFocus()
    stops = set()
    for _ in range(STEPS):
        QTest.keyClick(focused(), key)
        stop = focused()
        assert is_seen(stop), f"{stop} of {dock_of(stop)}"
        stops.add(stop)
    return stops


def opens_a_menu(widget: QWidget) -> bool:
    """Tell whether a key would open a menu, which waits for whoever opened it."""
    return isinstance(widget, QPushButton | QToolButton) and widget.menu() is not None


def dock_of(widget: QWidget | None) -> str:
    while widget is not None and not isinstance(widget, Dock):
        widget = widget.parentWidget()
    return widget.objectName() if widget is not None else ""


def injected(control: ScriptedControl) -> list[Inject]:
    return control.commands_of(Inject)


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("key", [Qt.Key.Key_Tab, Qt.Key.Key_Backtab])
def test_the_focus_walks_through_visible_panels_only(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl, layout: Layout, key: Qt.Key
) -> None:
    window.use_layout(layout)
    settle(qtbot, window)
    publish(window, control)
    docks = {dock_of(stop) for stop in walk(window, key)}
    assert "playground" in docks
    assert ("faults" in docks) is (layout is Layout.TESTER)


def test_each_tab_takes_the_focus_only_while_it_is_in_front(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    tabbed = {"ledger", "faults", "log"}
    for name in (*sorted(tabbed), "assignment", "ledger"):
        window.docks[name].raise_()
        settle(qtbot, window)
        docks = {dock_of(stop) for stop in walk(window, Qt.Key.Key_Tab)}
        if name in tabbed:
            assert docks & tabbed == {name}
        else:
            assert "map" not in docks


def test_no_key_injects_a_fault_while_the_faults_panel_is_behind_a_tab(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    window.activateWindow()
    window.playground.prompt.setFocus()
    for _ in range(STEPS):
        QTest.keyClick(focused(), Qt.Key.Key_Tab)
        if dock_of(focused()) not in {"playground", "map"} and not opens_a_menu(focused()):
            QTest.keyClick(focused(), Qt.Key.Key_Space)
            QTest.keyClick(focused(), Qt.Key.Key_Return)
    assert injected(control) == []


@pytest.mark.parametrize("way", ["tab", "hide", "layout", "float and hide"])
def test_a_panel_that_goes_out_of_sight_lets_the_focus_go(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl, way: str
) -> None:
    dock, panel = window.docks["faults"], window.findChild(FaultsPanel)
    assert isinstance(panel, FaultsPanel)
    publish(window, control)
    dock.raise_()
    settle(qtbot, window)
    window.activateWindow()
    panel.inject.setFocus()
    assert focused() is panel.inject
    if way == "tab":
        window.docks["ledger"].raise_()
    elif way == "hide":
        dock.hide()
    elif way == "layout":
        window.use_layout(Layout.PRESENTER)
    else:
        dock.setFloating(True)
        dock.hide()
    settle(qtbot, window)
    assert not panel.inject.hasFocus()
    assert window.focusWidget() is not panel.inject
    QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Space)
    assert injected(control) == []


def test_a_command_that_hides_the_panel_with_the_focus_leaves_no_key_in_it(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    window.use_layout(Layout.TESTER)
    settle(qtbot, window)
    publish(window, control)
    panel = window.findChild(FaultsPanel)
    assert isinstance(panel, FaultsPanel)
    window.activateWindow()
    panel.inject.setFocus()
    window.show_palette()
    palette = window.findChild(CommandPalette)
    assert isinstance(palette, CommandPalette)
    QTest.keyClicks(palette.filter, "operator")
    QTest.keyClick(palette.filter, Qt.Key.Key_Return)
    settle(qtbot, window)
    assert not is_seen(panel)
    window.activateWindow()
    held = window.focusWidget()
    assert held is None or is_seen(held)
    QTest.keyClick(held or window, Qt.Key.Key_Space)
    assert injected(control) == []


def test_a_panel_can_be_used_again_once_it_is_in_front(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    panel = window.findChild(FaultsPanel)
    assert isinstance(panel, FaultsPanel)
    publish(window, control)
    assert not is_seen(panel)
    window.docks["faults"].raise_()
    settle(qtbot, window)
    assert is_seen(panel.inject)
    panel.inject.setFocus()
    QTest.keyClick(panel.inject, Qt.Key.Key_Space)
    assert len(injected(control)) == 1


def test_showing_a_panel_by_its_command_brings_it_to_the_front(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    show = window.actions_registry["dock-faults"]
    panel = window.findChild(FaultsPanel)
    assert isinstance(panel, FaultsPanel)
    assert not show.isChecked()
    show.trigger()
    settle(qtbot, window)
    assert is_seen(panel)
    assert show.isChecked()
    assert not window.actions_registry["dock-ledger"].isChecked()
    show.trigger()
    settle(qtbot, window)
    assert window.docks["faults"].isHidden()
    assert not show.isChecked()


def test_a_remembered_layout_keeps_hidden_panels_out_of_reach(
    qtbot: QtBot, qapp: QApplication, settings: Settings, control: ScriptedControl
) -> None:
    before = open_window(qtbot, qapp, settings)
    before.docks["log"].raise_()
    settle(qtbot, before)
    shut(qtbot, before)
    window = open_window(qtbot, qapp, settings)
    open_rack(qtbot, window, control)
    publish(window, control)
    docks = {dock_of(stop) for stop in walk(window, Qt.Key.Key_Tab)}
    assert "log" in docks
    assert docks.isdisjoint({"faults", "ledger"})
    shut(qtbot, window)


def test_where_nothing_is_seen_nothing_takes_the_focus(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.activateWindow()
    window.playground.prompt.setFocus()
    monkeypatch.setattr("app.ui.window.main_window.is_seen", lambda _: False)
    QTest.keyClick(window.playground.prompt, Qt.Key.Key_Tab)
    assert window.focusWidget() is None
