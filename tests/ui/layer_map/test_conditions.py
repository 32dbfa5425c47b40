from __future__ import annotations

from concurrent.futures import Future

import pytest
from PySide6.QtCore import Qt

from app.core.errors import BadInputError
from app.placement.conditions import Conditions
from app.rack.commands import Replan
from app.rack.commands.command import Command
from app.ui.layer_map.conditions_dialog import ConditionsDialog
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import child, publish


def tick(dialog: ConditionsDialog, row: int, column: int) -> None:
    item = dialog.phones.item(row, column)
    assert item is not None
    item.setCheckState(Qt.CheckState.Checked)


def test_what_is_ticked_is_asked_of_the_plan_and_shown_the_next_time(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    window.map.conditions.click()
    dialog = child(window, ConditionsDialog)
    tick(dialog, 3, 1)
    tick(dialog, 0, 2)
    tick(dialog, 1, 2)
    dialog.private.setChecked(True)
    dialog.least.setValue(0.3)
    dialog.battery.setValue(25)
    dialog.heat.setValue(41)
    dialog.plan.click()
    serials = [str(phone.serial) for phone in control.phones]
    wanted = Conditions(
        frozenset({serials[3]}),
        frozenset({serials[0], serials[1]}),
        private=True,
        least_reputation=0.3,
        least_battery_percent=25,
        most_celsius=41.0,
    )
    assert control.commands_of(Replan)[-1].conditions == wanted
    assert not dialog.isVisible()
    again = ConditionsDialog(window.link, window.editor, window.appearance, window)
    assert again.conditions() == wanted
    again.close()


def test_what_cannot_be_had_is_told_and_the_dialog_stays(
    window: MainWindow, control: ScriptedControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(window, control)

    def refuse(command: Command[None]) -> Future[None]:
        refused: Future[None] = Future()
        refused.set_exception(BadInputError("rack.no_model"))
        del command
        return refused

    window.show_conditions()
    dialog = child(window, ConditionsDialog)
    monkeypatch.setattr(control, "do", refuse)
    dialog.plan.click()
    assert dialog.isVisible()
    assert dialog.line.isVisible()
    assert dialog.line.text()
    assert dialog.plan.isEnabled()
    dialog.close()


def test_what_was_asked_of_phones_without_a_row_is_asked_again(
    window: MainWindow, control: ScriptedControl
) -> None:
    control.conditions = Conditions(frozenset({"spare"}), frozenset({"away"}))
    publish(window, control)
    window.show_conditions()
    dialog = child(window, ConditionsDialog)
    dialog.least.setValue(0.2)
    dialog.plan.click()
    asked = control.commands_of(Replan)[-1].conditions
    assert asked == Conditions(frozenset({"spare"}), frozenset({"away"}), least_reputation=0.2)


def test_tab_leaves_the_phones_and_each_box_says_what_it_is(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    window.show_conditions()
    dialog = child(window, ConditionsDialog)
    assert not dialog.phones.tabKeyNavigation()
    name, box = dialog.phones.item(0, 0), dialog.phones.item(0, 2)
    assert name is not None
    assert box is not None
    assert box.data(Qt.ItemDataRole.AccessibleTextRole) == f"{name.text()}: Trusted"
    dialog.close()
