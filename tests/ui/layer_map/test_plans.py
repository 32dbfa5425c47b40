from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

from pytestqt.qtbot import QtBot

from app.core.facts import Fact
from app.core.tasks import TaskKind
from app.placement.problem import Method, Plan
from app.rack.commands import Apply, UseModel
from app.rack.compared_plans import PlanComparison
from app.rack.snapshot import ModelChoice, Phase
from app.ui.layer_map.compare_dialog import CompareDialog
from app.ui.layer_map.drawing.bar_item import BarItem
from app.ui.window.main_window import MainWindow
from app.ui.window.models_menu import ModelsMenu
from app.words.catalogue import message
from app.words.sentences import fact_text
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish


def change_something(window: MainWindow, control: ScriptedControl) -> None:
    publish(window, control)
    assert control.requested is not None
    window.editor.commit(control.requested.with_seam(0, 1), message("Move boundary"))


def test_apply_is_cancel_while_the_deployment_runs(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    control.deployment = Future()
    change_something(window, control)
    applied = control.applied
    button = window.map.apply
    button.click()
    publish(window, control)
    assert button.text() == "Cancel"
    assert button.isEnabled()
    window.actions_registry["apply"].trigger()
    assert control.commands.count(Apply()) == 1
    button.click()
    assert control.deployment.cancelled()
    control.phase = Phase.READY
    publish(window, control)
    qtbot.waitUntil(lambda: button.text() == "Apply")
    assert button.isEnabled()
    assert control.applied == applied
    assert "the layers they had" in window.map.said_line.text()
    window.editor.undo_stack.undo()
    assert window.map.said_line.text() == ""


def test_a_deployment_that_ends_by_itself_leaves_nothing_to_cancel(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    control.deployment = Future()
    change_something(window, control)
    window.map.apply.click()
    publish(window, control)
    control.applied, control.phase = control.requested, Phase.READY
    control.deployment.set_result(None)
    qtbot.waitUntil(lambda: window.map.apply.text() == "Apply")
    assert not window.map.apply.isEnabled()
    assert window.map.said_line.text() == ""


def test_a_deployment_that_ends_at_once_leaves_room_for_the_next(
    window: MainWindow, control: ScriptedControl
) -> None:
    change_something(window, control)
    window.map.apply.click()
    window.editor.undo_stack.undo()
    assert window.map.apply.isEnabled()
    window.map.apply.click()
    assert control.commands.count(Apply()) == 2


def test_deploying_that_was_not_asked_for_here_cannot_be_cancelled(
    window: MainWindow, control: ScriptedControl
) -> None:
    control.deploying(0.5)
    publish(window, control)
    assert window.map.apply.text() == "Apply"


def test_the_model_menu_lists_models_and_puts_one_on_the_rack(
    window: MainWindow, control: ScriptedControl
) -> None:
    control.others = (ModelChoice("big", "q8", 24, 500_000_000),)
    publish(window, control)
    menu = window.findChild(ModelsMenu)
    assert isinstance(menu, ModelsMenu)
    menu.fill()
    first, second = menu.actions()[:2]
    assert first.isChecked()
    assert not second.isChecked()
    assert "big" in second.text()
    assert "q8" in second.text()
    assert "500 MB" in second.text()
    first.trigger()
    second.trigger()
    assert control.commands_of(UseModel) == [UseModel("big")]


def test_a_model_that_quantisation_harmed_says_so_at_the_top_and_in_the_menu(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    assert "clearly worse" not in window.header.model.text()
    harm = Fact(
        "quantization.harmed", quantization="q8", model="demo", perplexity=9.0, original=3.0
    )
    control.harm = harm
    control.others = (ModelChoice("big", "q8", 24, 500_000_000),)
    publish(window, control)
    assert "clearly worse" in window.header.model.text()
    assert fact_text(harm) in window.header.model.toolTip()
    menu = window.findChild(ModelsMenu)
    assert isinstance(menu, ModelsMenu)
    menu.fill()
    harmed, sound = menu.actions()[:2]
    assert "clearly worse" in harmed.text()
    assert fact_text(harm) in harmed.toolTip()
    assert "clearly worse" not in sound.text()
    control.harm = None
    publish(window, control)
    assert "clearly worse" not in window.header.model.text()
    assert fact_text(harm) not in window.header.model.toolTip()


def compare(window: MainWindow) -> CompareDialog:
    window.actions_registry["compare"].trigger()
    dialogs = window.findChildren(CompareDialog)
    assert isinstance(dialogs[-1], CompareDialog)
    return dialogs[-1]


def test_plans_are_compared_and_one_is_taken_over_undoably(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    before = control.requested
    dialog = compare(window)
    qtbot.waitUntil(lambda: dialog.table.rows.rowCount() == 4)
    cells = [dialog.table.rows.index(0, column).data() for column in range(8)]
    assert cells[0] == "Exact"
    assert cells[1] == "Pixel 7 Pro: 0-3, Galaxy A54: 4-7, CUBOT X30: 8-11"
    assert cells[6] == ""
    assert cells[7] == "250 ms"
    dialog.table.selectRow(3)
    assert not dialog.use.isEnabled()
    assert "memory" in dialog.line.text()
    dialog.table.selectRow(2)
    assert not dialog.use.isEnabled()
    assert dialog.line.text() == "No single phone can hold the model."
    dialog.table.selectRow(0)
    dialog.use.click()
    assert control.requested is not None
    assert control.requested.serials == tuple(phone.serial for phone in control.phones[:3])
    assert control.applied == before
    window.editor.undo_stack.undo()
    assert control.requested == before


def test_a_plan_that_is_best_only_among_some_says_among_which(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    assert control.requested is not None
    line = window.map.standing_line
    assert line.text() == ""
    predicted = control.predict(control.requested)
    plan = Plan(control.requested, predicted, Method.EXACT, proven_optimal=True, uses_all=True)
    control.plan = plan
    publish(window, control)
    assert line.text() == "proven among plans that use all phones"
    control.plan = replace(plan, proven_optimal=False)
    publish(window, control)
    assert line.text() == "not proven"
    change_something(window, control)
    publish(window, control)
    assert line.text() == ""


def test_a_comparison_closed_before_it_is_done_troubles_nobody(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    answer: Future[tuple[PlanComparison, ...]] = Future()
    control.comparing = answer
    compare(window).reject()
    qtbot.waitUntil(lambda: not window.findChildren(CompareDialog))
    answer.set_result(())
    qtbot.wait(20)
    assert window.findChildren(CompareDialog) == []


def test_nothing_is_promised_a_token_of_a_model_that_writes_none(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    assert "a token" in window.map.preview_line.text()
    control.tasks = (TaskKind.EMBED,)
    publish(window, control)
    words = window.map.preview_line.text()
    assert "for a text of one token" in words
    assert "text/s" in words
    assert "tok" not in words.replace("one token", "")
    bars = [item for item in window.map.view.scene().items() if isinstance(item, BarItem)]
    assert all("for a text of one token." in bar.content.explanation for bar in bars)
    assert not any("times as long" in bar.content.explanation for bar in bars)
