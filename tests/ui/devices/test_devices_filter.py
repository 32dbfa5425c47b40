"""Phones are filtered by what is typed, and several are acted on at once."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from app.core.device import DeviceState
from app.core.facts import Fact
from app.rack.commands import Identify, Release, SetMemoryShare, TakePhone
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish, settle


def _select_all(window: MainWindow) -> None:
    window.devices.list.selectAll()


def test_a_slash_leads_to_the_filter_and_escape_clears_it(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    control.phones[1].state = DeviceState.JAILED
    publish(window, control)
    qtbot.keyClick(window, Qt.Key.Key_Slash)
    assert window.devices.filter.hasFocus()
    qtbot.keyClicks(window.devices.filter, "state:jailed")
    assert [phone.serial for phone in window.devices.model.rows] == [control.phones[1].serial]
    assert "1 shown" in window.devices.counts.text()
    publish(window, control)
    assert len(window.devices.model.rows) == 1
    qtbot.keyClick(window.devices.filter, Qt.Key.Key_Escape)
    assert len(window.devices.model.rows) == len(control.phones)


def test_what_is_not_understood_is_said_under_the_field(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    qtbot.keyClicks(window.devices.filter, "heat>hot")
    assert window.devices.problem.isVisible()
    assert "hot is not a number" in window.devices.problem.text()
    window.devices.filter.clear()
    assert not window.devices.problem.isVisible()


def test_a_phone_that_works_elsewhere_can_be_taken_and_another_cannot(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    held = control.phones[1]
    held.state = DeviceState.BUSY
    held.reason = Fact("phone.held", phone=held.serial, host="ann@shelf", since="09:00")
    publish(window, control)
    _select_all(window)
    settle(qtbot, window)
    chosen = window.devices.selected()
    menu = window.devices.menu_for(chosen)
    {action.text(): action for action in menu.actions()}["Take over"].trigger()
    assert control.commands[-1] == TakePhone(held.serial)
    others = [phone for phone in chosen if phone.serial != held.serial]
    menu = window.devices.menu_for(others)
    assert not {each.text(): each for each in menu.actions()}["Take over"].isEnabled()


def test_an_operator_gives_layers_more_of_a_phones_memory(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    settle(qtbot, window)
    phone = window.devices.model.rows[0]
    menu = window.devices.menu_for([phone])
    {action.text(): action for action in menu.actions()}["Memory for layers…"].trigger()
    dialog = window.findChild(QInputDialog)
    assert isinstance(dialog, QInputDialog)
    assert dialog.intValue() == 70
    dialog.setIntValue(95)
    dialog.accept()
    assert control.commands[-1] == SetMemoryShare(phone.serial, 0.95)


def test_a_menu_of_several_phones_acts_on_those_it_makes_sense_for(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    control.phones[0].state = control.phones[2].state = DeviceState.JAILED
    publish(window, control)
    _select_all(window)
    settle(qtbot, window)
    chosen = window.devices.selected()
    assert [phone.serial for phone in chosen] == [phone.serial for phone in control.phones]
    menu = window.devices.menu_for(chosen)
    by_text = {action.text(): action for action in menu.actions()}
    before = len(control.commands)
    by_text["Release from jail"].trigger()
    by_text["Identify"].trigger()
    serials = [phone.serial for phone in control.phones]
    assert control.commands[before:] == [
        Release(serials[0]),
        Release(serials[2]),
        *map(Identify, serials),
    ]
    assert any("selected" in action.text() for action in menu.actions())


def test_what_is_selected_stays_so_while_figures_change(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    index = window.devices.model.index(1, 0)
    select = QItemSelectionModel.SelectionFlag.ClearAndSelect
    window.devices.list.selectionModel().setCurrentIndex(index, select)
    publish(window, control)
    settle(qtbot, window)
    (chosen,) = window.devices.selected()
    assert chosen.serial == control.phones[1].serial
