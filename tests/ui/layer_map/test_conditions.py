from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from app.core.errors import BadInputError
from app.placement.conditions import Conditions
from app.placement.problem import Method, Objective, Plan
from app.rack.commands import Replan
from app.rack.commands.command import Command
from app.ui.layer_map.conditions_dialog import ConditionsDialog
from app.ui.settings import Settings
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
    dialog.token_ms.setValue(80)
    dialog.rate.setValue(12.5)
    dialog.plan.click()
    serials = [str(phone.serial) for phone in control.phones]
    wanted = Conditions(
        frozenset({serials[3]}),
        frozenset({serials[0], serials[1]}),
        private=True,
        least_reputation=0.3,
        least_battery_percent=25,
        most_celsius=41.0,
        most_token_s=0.08,
        least_tokens_per_second=12.5,
    )
    assert control.commands_of(Replan)[-1].conditions == wanted
    assert not dialog.isVisible()
    again = ConditionsDialog(window.link, window.editor, window.appearance, window)
    assert again.conditions() == wanted
    again.close()


def test_conditions_are_there_again_after_a_restart(tmp_path: Path) -> None:
    asked = Conditions(frozenset({"a"}), frozenset({"b"}), True, 0.25, 30, 41.0, 0.08, 12.5)
    for wanted in (asked, Conditions(least_battery_percent=20), Conditions(most_celsius=20.0)):
        Settings(tmp_path / "window.ini", "rack").conditions = wanted
        assert Settings(tmp_path / "window.ini", "rack").conditions == wanted


@pytest.mark.parametrize("odd", ['"hot"', "true", "-1", "NaN", "Infinity", "[]", "1e999"])
def test_odd_figures_among_kept_conditions_ask_nothing(tmp_path: Path, odd: str) -> None:
    figures = ("least_battery_percent", "most_celsius", "most_token_s", "least_tokens_per_second")
    told = ", ".join(f'"{each}": {odd}' for each in figures)
    settings = Settings(tmp_path / "window.ini", "rack")
    settings._store.setValue(
        settings._conditions_key, f'{{"excluded": ["a"], "trusted": [], {told}}}'
    )
    assert settings.conditions == Conditions(frozenset({"a"}))


def test_that_no_phones_are_quick_enough_is_said_with_what_a_token_asks(
    window: MainWindow, control: ScriptedControl
) -> None:
    line = window.map.standing_line
    control.objective = Objective.PRICE
    assert control.requested is not None
    prediction = replace(control.predict(control.requested), price_per_token=10_400.4)
    control.plan = Plan(control.requested, prediction, Method.EXACT, False, too_slow=True)
    publish(window, control)
    assert "slower than is asked for" in line.text()
    assert "micro-credits a token" in line.text()
    control.plan = replace(control.plan, too_slow=False)
    control.objective = Objective.LATENCY
    publish(window, control)
    assert "slower" not in line.text()
    assert "micro-credits" not in line.text()


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
