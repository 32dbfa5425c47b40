from __future__ import annotations

from PySide6.QtWidgets import QScrollBar
from pytestqt.qtbot import QtBot

from app.core.facts import Fact
from app.rack.commands import Ask, Sampling
from app.rack.snapshot import RequestState
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish


def samplings(control: ScriptedControl) -> list[Sampling]:
    return [asked.sampling for asked in control.commands_of(Ask)]


def test_each_text_has_its_own_seed_unless_one_is_typed(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    for _ in range(8):
        window.playground.start()
    free = samplings(control)
    assert len({sampling.seed for sampling in free}) > 1
    assert {(sampling.temperature, sampling.top_p) for sampling in free} == {(0.7, 0.9)}
    window.playground.sampling.seed.setText("42")
    window.playground.start()
    window.playground.start()
    assert [sampling.seed for sampling in samplings(control)[8:]] == [42, 42]
    assert "42" in window.playground.sampling.text()


def test_repeat_starts_the_next_text_with_the_next_seed(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    window.playground.sampling.seed.setText("7")
    window.playground.repeat.click()
    for _ in range(3):
        publish(window, control)
        publish(window, control)
        control.emit_token()
        publish(window, control)
        control.settle()
        publish(window, control)
    assert [sampling.seed for sampling in samplings(control)] == [7, 8, 9, 10]


def test_repeat_takes_over_from_a_text_that_is_being_written(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    window.playground.start()
    publish(window, control)
    window.playground.repeat.click()
    assert len(control.requests) == 1
    control.settle()
    publish(window, control)
    assert len(control.requests) == 2


def test_switching_repeat_off_stops_its_text_at_once(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    window.playground.repeat.click()
    publish(window, control)
    window.playground.repeat.click()
    assert control.requests[-1].state is RequestState.CANCELLED
    publish(window, control)
    assert len(control.requests) == 1


def test_switching_repeat_off_leaves_a_text_begun_by_hand(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    window.playground.start()
    publish(window, control)
    window.playground.repeat.click()
    window.playground.repeat.click()
    assert control.requests[-1].state is RequestState.PREFILL


def test_cancel_ends_repeating(window: MainWindow, control: ScriptedControl) -> None:
    publish(window, control)
    window.playground.repeat.click()
    publish(window, control)
    window.playground.cancel.click()
    publish(window, control)
    publish(window, control)
    assert not window.playground.repeat.isChecked()
    assert len(control.requests) == 1


def test_a_text_that_fails_is_not_tried_again_and_again(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    window.playground.repeat.click()
    control.change(-1, state=RequestState.FAILED, state_reason=Fact("rack.stopped"))
    publish(window, control)
    publish(window, control)
    assert not window.playground.repeat.isChecked()
    assert len(control.requests) == 1


def test_the_text_follows_its_end_until_a_person_scrolls_back(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    bar: QScrollBar = window.playground.stream.verticalScrollBar()
    publish(window, control)
    window.playground.start()
    for _ in range(400):
        control.emit_token()
    publish(window, control)
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    for _ in range(200):
        control.emit_token()
    publish(window, control)
    assert bar.value() == bar.maximum()
    bar.setValue(10)
    control.emit_token()
    publish(window, control)
    assert bar.value() == 10
