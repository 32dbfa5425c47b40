from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTabBar, QToolButton
from pytestqt.qtbot import QtBot

from app.core.conversation import Overflow
from app.core.identifiers import RequestId
from app.core.tasks import Chat, TaskKind
from app.rack.commands import Ask, Cancel
from app.rack.snapshot import RequestState, TokenChoices
from app.ui.playground.conversations.talks import TALKS_KEPT
from app.ui.playground.tasks.tokens_dialog import TokensDialog
from app.ui.window.main_window import MainWindow
from tests.ui.playground.test_tasks import ask, choose, offer, said
from tests.ui.scripted_control import ScriptedControl, request
from tests.ui.window_support import publish


def button(window: MainWindow, index: int) -> QToolButton:
    found = window.playground.strip.tabButton(index, QTabBar.ButtonPosition.RightSide)
    assert isinstance(found, QToolButton)
    return found


def two_texts(window: MainWindow, control: ScriptedControl) -> None:
    for prompt in ("First", "Second"):
        ask(window, prompt)
        publish(window, control)
        control.emit_token()
        publish(window, control)


def test_one_text_alone_needs_no_strip(window: MainWindow, control: ScriptedControl) -> None:
    ask(window, "First")
    publish(window, control)
    assert not window.playground.strip.isVisible()


def test_texts_at_the_same_time_each_have_state_rate_and_cancel(
    window: MainWindow, control: ScriptedControl
) -> None:
    two_texts(window, control)
    strip = window.playground.strip
    assert strip.isVisible()
    assert [strip.tabText(index) for index in range(2)] == ["First", "Second"]
    assert all("28.4 tok/s" in strip.accessibleTabName(index) for index in range(2))
    button(window, 0).click()
    assert control.commands[-1] == Cancel(RequestId("r1"))
    publish(window, control)
    assert [each.state for each in control.requests] == [
        RequestState.CANCELLED,
        RequestState.DECODING,
    ]
    assert window.playground.cancel.isEnabled()
    assert "cancelled" in strip.accessibleTabName(0)


def test_cancel_stops_the_text_that_is_shown(window: MainWindow, control: ScriptedControl) -> None:
    two_texts(window, control)
    window.playground.strip.setCurrentIndex(0)
    assert window.playground.stream.toPlainText().startswith("First")
    window.playground.cancel.click()
    assert control.commands[-1] == Cancel(RequestId("r1"))


@pytest.mark.parametrize("turns_before", [0, 1])
def test_cancel_before_the_rack_has_taken_it_counts_for_what_was_just_said(
    window: MainWindow,
    control: ScriptedControl,
    monkeypatch: pytest.MonkeyPatch,
    turns_before: int,
) -> None:
    offer(window, control, TaskKind.CHAT)
    for _ in range(turns_before):
        ask(window, "Hello")
        control.emit_token()
        control.settle()
        publish(window, control)
    taken: Future[RequestId] = Future()
    take = control._ask
    monkeypatch.setattr(control, "_ask", lambda *_: taken)
    ask(window, "Go on")
    window.playground.cancel.click()
    assert control.commands_of(Cancel) == []
    assert not window.playground.cancel.isEnabled()
    newest = take(control.commands_of(Ask)[-1].task, 20)
    taken.set_result(newest)
    assert control.commands_of(Cancel) == [Cancel(newest)]
    monkeypatch.setattr(control, "_ask", take)
    publish(window, control)
    ask(window, "Again")
    assert len(control.commands_of(Cancel)) == 1


def test_what_is_read_stays_in_front_when_others_begin(
    window: MainWindow, control: ScriptedControl
) -> None:
    ask(window, "First")
    publish(window, control)
    control.requests.append(request(RequestId("r9"), "From elsewhere", 20))
    publish(window, control)
    assert window.playground.strip.count() == 2
    assert window.playground.stream.toPlainText() == "First"


def test_the_newest_is_shown_until_a_person_has_chosen(
    window: MainWindow, control: ScriptedControl
) -> None:
    for number in range(2):
        control.requests.append(request(RequestId(f"x{number}"), f"Text {number}", 20))
        publish(window, control)
    assert window.playground.stream.toPlainText() == "Text 1"


def test_what_a_scene_begins_comes_to_the_front_whatever_was_chosen(
    window: MainWindow, control: ScriptedControl
) -> None:
    ask(window, "First")
    publish(window, control)
    window.playground.follow_newest()
    control.requests.append(request(RequestId("r9"), "From a scene", 20))
    publish(window, control)
    assert window.playground.stream.toPlainText() == "From a scene"


def test_delete_stops_what_runs_and_then_takes_it_off(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    two_texts(window, control)
    strip = window.playground.strip
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    publish(window, control)
    assert control.requests[1].state is RequestState.CANCELLED
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    publish(window, control)
    assert [talk.title for talk in window.playground.talks.all] == ["First"]
    assert window.playground.stream.toPlainText().startswith("First")


def test_conversations_go_on_side_by_side(window: MainWindow, control: ScriptedControl) -> None:
    offer(window, control, TaskKind.GENERATE, TaskKind.CHAT)
    choose(window, TaskKind.CHAT)
    ask(window, "Hello")
    publish(window, control)
    window.playground.begin_conversation()
    ask(window, "Good day")
    publish(window, control)
    first, second = (asked.task for asked in control.commands_of(Ask))
    assert first == Chat((said("Hello"),), Overflow.SHORTEN)
    assert second == Chat((said("Good day"),), Overflow.SHORTEN)
    for _ in range(3):
        control.emit_token()
    publish(window, control)
    shown = window.playground.answer.conversation
    assert "God created the" in shown.toPlainText()
    window.playground.step(1)
    assert "Hello" in shown.toPlainText()
    assert "God created" not in shown.toPlainText()
    window.playground.cancel.click()
    assert control.requests[0].state is RequestState.CANCELLED
    assert not control.requests[1].state.ended


def test_a_text_and_a_conversation_bring_their_task_with_them(
    window: MainWindow, control: ScriptedControl
) -> None:
    offer(window, control, TaskKind.GENERATE, TaskKind.CHAT)
    ask(window, "Once")
    publish(window, control)
    choose(window, TaskKind.CHAT)
    ask(window, "Hello")
    publish(window, control)
    window.playground.step(-1)
    kinds = [window.playground.task.kind]
    assert window.playground.stream.toPlainText() == "Once"
    window.playground.step(1)
    kinds.append(window.playground.task.kind)
    assert kinds == [TaskKind.GENERATE, TaskKind.CHAT]


def test_what_has_ended_does_not_pile_up(window: MainWindow, control: ScriptedControl) -> None:
    for number in range(TALKS_KEPT + 5):
        ask(window, f"Text {number}")
        publish(window, control)
        control.emit_token()
        control.settle()
        publish(window, control)
    talks = window.playground.talks.all
    assert len(talks) == TALKS_KEPT + 1
    assert talks[-1].title == f"Text {TALKS_KEPT + 4}"
    publish(window, control)
    assert window.playground.talks.all == talks


def test_repeating_goes_on_in_one_tab(window: MainWindow, control: ScriptedControl) -> None:
    publish(window, control)
    window.playground.repeat.click()
    for _ in range(3):
        publish(window, control)
        control.emit_token()
        control.settle()
        publish(window, control)
    assert len(control.requests) == 4
    assert len(window.playground.talks.all) == 1


@pytest.mark.parametrize("others", [False, True])
def test_repeating_is_not_held_up_by_others(
    window: MainWindow, control: ScriptedControl, *, others: bool
) -> None:
    publish(window, control)
    window.playground.repeat.click()
    publish(window, control)
    control.emit_token()
    control.settle()
    if others:
        control.requests.append(request(RequestId("r9"), "From elsewhere", 20))
    publish(window, control)
    assert len(control.commands_of(Ask)) == 2


def test_tokens_are_told_as_they_read(window: MainWindow, control: ScriptedControl) -> None:
    ask(window, "In the")
    publish(window, control)
    for _ in range(3):
        control.emit_token()
    choices = tuple(TokenChoices(-0.5) for _ in range(3))
    control.requests[-1] = replace(control.requests[-1], choices=choices)
    publish(window, control)
    window.playground.each_token.click()
    (dialog,) = window.findChildren(TokensDialog)
    rows = dialog.table.rows
    assert [rows.index(row, 1).data() for row in range(3)] == ["␣God", "␣created", "␣the"]
    dialog.close()
