from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.rack.commands import Apply
from app.ui.layer_map.span_menu import span_menu
from app.ui.layer_map.table_panel import AssignmentPanel
from app.ui.window.main_window import MainWindow
from app.words.catalogue import message
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import child, publish


def test_a_bars_menu_pins_frees_and_moves(window: MainWindow, control: ScriptedControl) -> None:
    publish(window, control)
    serial = control.phones[1].serial
    menu = span_menu(window.editor, serial, window)
    assert menu is not None
    words = [action.text() for action in menu.actions() if action.text()]
    assert words[0] == "Galaxy A54: layers 3-5"
    assert "Pixel 6a" in words
    menu.actions()[1].trigger()
    assert [pin.serial for pin in window.editor.pins] == [serial]
    again = span_menu(window.editor, serial, window)
    assert again is not None
    assert again.actions()[1].text() == "Unpin"
    again.actions()[2].trigger()
    requested = window.editor.requested
    assert requested is not None
    assert requested.stage_of(serial) is None
    assert span_menu(window.editor, serial, window) is None


def test_a_right_click_on_a_bar_opens_its_menu(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    window.map.view.menu_asked.emit(str(control.phones[0].serial), QPoint(5, 5))
    titles = [menu.actions()[0].text() for menu in window.map.findChildren(QMenu) if menu.actions()]
    assert "Pixel 7 Pro: layers 0-2" in titles


def test_the_table_has_totals_and_apply(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    window.docks["assignment"].raise_()
    publish(window, control)
    panel = child(window, AssignmentPanel)
    qtbot.waitUntil(lambda: panel.totals.text().startswith("Together: "))
    assert panel.fit.text() == "fits"
    assert not panel.apply.isEnabled()
    requested = window.editor.requested
    assert requested is not None
    window.editor.commit(requested.with_seam(0, 1), message("Move boundary"))
    assert panel.table.rows.index(0, 1).data() == "0"
    assert panel.apply.isEnabled()
    panel.apply.click()
    assert control.commands_of(Apply)
