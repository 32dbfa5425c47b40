from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.core.conversation import ChatMessage, Overflow, Speaker
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.core.tasks import Chat, Classify, Complete, Embed, Summarise, Task, TaskKind, Translate
from app.rack.commands import Ask
from app.rack.options import DEMO_PROMPT
from app.rack.snapshot import Alternative, LabelScore, RequestState, TokenChoices
from app.ui.looks.tokens import DARK
from app.ui.playground.request_wording import explanation
from app.ui.playground.sampling_button import stop_texts
from app.ui.playground.tasks.chat_session import ChatSession
from app.ui.playground.tasks.embedding_view import cosine
from app.ui.playground.tasks.label_bars import score_text
from app.ui.playground.tasks.tokens_dialog import TokensDialog, readable
from app.ui.window.main_window import MainWindow
from app.words.requests import figures_text
from app.words.sentences import fact_text
from tests.ui.scripted_control import ScriptedControl, request
from tests.ui.window_support import publish

WRITES = (TaskKind.GENERATE, TaskKind.CHAT, TaskKind.SUMMARISE, TaskKind.TRANSLATE)
LABELS = (LabelScore("good", 0.873), LabelScore("bad", 0.127))
VECTOR = (0.6, -0.8, 0.0)


def offer(window: MainWindow, control: ScriptedControl, *kinds: TaskKind) -> None:
    control.tasks = kinds
    publish(window, control)


def choose(window: MainWindow, kind: TaskKind) -> None:
    task = window.playground.task
    task.setCurrentIndex(task._kinds.index(kind))


def ask(window: MainWindow, text: str) -> None:
    window.playground.prompt.setText(text)
    window.playground.generate.click()


def said(text: str, speaker: Speaker = Speaker.USER) -> ChatMessage:
    return ChatMessage(speaker, text)


def test_only_what_the_model_can_do_is_offered(
    window: MainWindow, control: ScriptedControl
) -> None:
    task = window.playground.task
    publish(window, control)
    assert not task.isVisible()
    offer(window, control, *WRITES)
    assert task.isVisible()
    assert [task.itemText(row) for row in range(task.count())] == [
        "Go on",
        "Chat",
        "Summarise",
        "Translate",
    ]
    choose(window, TaskKind.TRANSLATE)
    offer(window, control, TaskKind.CLASSIFY)
    assert task.kind is TaskKind.CLASSIFY
    assert window.playground.generate.text() == "Classify"
    assert not window.playground.sampling.isVisible()


def asked_last(control: ScriptedControl) -> Task:
    return control.commands_of(Ask)[-1].task


def test_each_task_goes_out_as_what_it_is(window: MainWindow, control: ScriptedControl) -> None:
    offer(window, control, *TaskKind)
    assert window.playground.prompt.text() == DEMO_PROMPT
    choose(window, TaskKind.SUMMARISE)
    assert window.playground.prompt.text() == ""
    ask(window, "A long text")
    assert asked_last(control) == Summarise("A long text")
    assert control.commands_of(Ask)[-1].tokens == 300
    choose(window, TaskKind.TRANSLATE)
    window.playground.language.setCurrentText("Welsh")
    ask(window, "Good morning")
    assert asked_last(control) == Translate("Good morning", "Welsh")
    choose(window, TaskKind.CLASSIFY)
    ask(window, "I like it")
    assert asked_last(control) == Classify("I like it")
    choose(window, TaskKind.EMBED)
    ask(window, "A cat")
    assert asked_last(control) == Embed("A cat")
    choose(window, TaskKind.GENERATE)
    ask(window, "Once")
    assert asked_last(control) == Complete("Once")


def test_a_chat_sends_what_was_said_before_and_waits_for_its_answer(
    window: MainWindow, control: ScriptedControl
) -> None:
    offer(window, control, *WRITES)
    choose(window, TaskKind.CHAT)
    playground = window.playground
    playground.sampling.system.setPlainText("Be brief.")
    ask(window, "Hello")
    system = said("Be brief.", Speaker.SYSTEM)
    assert asked_last(control) == Chat((system, said("Hello")), Overflow.SHORTEN)
    assert playground.prompt.text() == ""
    for _ in range(3):
        control.emit_token()
    publish(window, control)
    assert not playground.generate.isEnabled()
    commands = len(control.commands)
    playground.prompt.setText("Too early")
    playground.start()
    assert len(control.commands) == commands
    control.settle()
    publish(window, control)
    ask(window, "Go on")
    answer = said("God created the", Speaker.ASSISTANT)
    assert asked_last(control) == Chat(
        (system, said("Hello"), answer, said("Go on")), Overflow.SHORTEN
    )
    publish(window, control)
    shown = playground.answer.conversation.toPlainText()
    assert shown.split() == [
        "You",
        "Hello",
        "Model",
        "God",
        "created",
        "the",
        "You",
        "Go",
        "on",
        "Model",
    ]


def test_a_new_conversation_forgets_the_old_one(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    offer(window, control, *WRITES)
    choose(window, TaskKind.CHAT)
    ask(window, "Hello")
    control.emit_token()
    control.settle()
    publish(window, control)
    qtbot.mouseClick(window.playground.fresh, Qt.MouseButton.LeftButton)
    assert window.playground.answer.conversation.toPlainText() == ""
    ask(window, "Again")
    assert asked_last(control) == Chat((said("Again"),), Overflow.SHORTEN)


def test_a_message_that_was_refused_can_be_sent_again() -> None:
    session = ChatSession()
    session.say("Hello")
    waited = [session.waiting]
    assert session.refuse() == "Hello"
    waited.append(session.waiting)
    session.say("Hello")
    session.accept(RequestId("r1"))
    assert session.refuse() == ""
    assert [*waited, session.waiting] == [True, False, True]


def test_an_unanswered_message_is_no_part_of_what_is_sent_later(
    window: MainWindow, control: ScriptedControl
) -> None:
    offer(window, control, *WRITES)
    choose(window, TaskKind.CHAT)
    ask(window, "Hello")
    control.change(-1, state=RequestState.FAILED, state_reason=Fact("rack.stopped"))
    publish(window, control)
    assert window.playground.explanation.text() == "The rack stopped."
    ask(window, "Hello again")
    assert asked_last(control) == Chat((said("Hello again"),), Overflow.SHORTEN)


def test_labels_are_rows_with_their_share(window: MainWindow, control: ScriptedControl) -> None:
    offer(window, control, TaskKind.CLASSIFY)
    ask(window, "I like it")
    control.change(-1, state=RequestState.AUDITING, labels=LABELS)
    publish(window, control)
    view = window.playground.answer.labels
    assert window.playground.answer.currentWidget() is view
    assert [view.rows.index(row, 0).data() for row in (0, 1)] == ["good", "bad"]
    assert [view.rows.index(row, 2).data() for row in (0, 1)] == ["87.3%", "12.7%"]
    assert "Not settled yet" in window.playground.explanation.text()
    pale = view.grab().toImage()
    control.settle()
    publish(window, control)
    assert "verified" in window.playground.explanation.text()
    assert view.grab().toImage() != pale


def test_a_regression_is_a_number_and_no_share() -> None:
    assert score_text(LabelScore("stars", 4.25)) == "4.25"
    assert score_text(LabelScore("good", 1.0)) == "100.0%"


def test_a_vector_tells_its_size_and_how_near_the_one_before_is(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    offer(window, control, TaskKind.EMBED)
    view = window.playground.answer.embedding
    ask(window, "A cat")
    control.change(-1, state=RequestState.SETTLED, embedding=VECTOR)
    publish(window, control)
    assert view.words.text() == "3 dimensions, norm 1.00"
    assert view.likeness.text() == ""
    qtbot.mouseClick(view.copy, Qt.MouseButton.LeftButton)
    assert json.loads(QGuiApplication.clipboard().text()) == list(VECTOR)
    ask(window, "Cats")
    control.change(-1, state=RequestState.SETTLED, embedding=(0.6, 0.8, 0.0))
    publish(window, control)
    assert view.likeness.text() == "-0.28 like “A cat” (cosine)"


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=8), st.integers(1, 50))
def test_a_vector_is_as_near_any_stretch_of_itself_as_can_be(vector: list[int], by: int) -> None:
    stretched = [by * number for number in vector]
    wanted = 1.0 if any(vector) else 0.0
    assert abs(cosine(vector, stretched) - wanted) < 1e-9


def test_stop_texts_and_alternatives_go_out_with_the_sampling(
    window: MainWindow, control: ScriptedControl
) -> None:
    window.playground.sampling.stop.setPlainText("END\n\n\\n\\n")
    window.playground.sampling.alternatives.setValue(3)
    ask(window, "Once")
    sampling = control.commands_of(Ask)[-1].sampling
    assert (sampling.stop, sampling.alternatives) == (("END", "\n\n"), 3)
    assert stop_texts("") == ()


def test_a_note_is_said_before_how_sure_the_answer_is() -> None:
    asked = request(RequestId("r1"), "text", 5)
    noted = replace(asked, note=Fact("model.no_chat_template", model="It"), open_text=" a")
    told = explanation(noted, DARK)
    assert noted.note is not None
    assert told.words.startswith(f"{fact_text(noted.note)} Dotted text")
    assert told.colour == DARK.warn
    assert "0/5" in figures_text(asked)
    assert "0/5" not in figures_text(replace(asked, kind=TaskKind.EMBED))


def test_each_token_tells_how_likely_it_was_and_what_else_could_stand(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    publish(window, control)
    ask(window, "In the")
    publish(window, control)
    assert not window.playground.each_token.isVisible()
    quarter, half = math.log(0.25), math.log(0.5)
    others = (Alternative(7, " end", half), Alternative(0, " beginning", quarter))
    choices = (TokenChoices(quarter, others), TokenChoices(quarter))
    control.change(-1, token_ids=(0, 1), choices=choices)
    publish(window, control)
    qtbot.mouseClick(window.playground.each_token, Qt.MouseButton.LeftButton)
    dialog = window.findChild(TokensDialog)
    assert isinstance(dialog, TokensDialog)
    rows = dialog.table.rows
    told = [[rows.index(row, column).data() for column in range(4)] for row in range(2)]
    assert told == [["1", "␣beginning", "25.0%", "␣end 50.0%"], ["2", "#1", "25.0%", ""]]
    assert dialog.line.text() == "Perplexity of this text: 4.00."
    dialog.close()


@pytest.mark.parametrize(
    ("text", "seen"), [("a", "a"), (" a", "␣a"), ("\n", "⏎"), ("", ""), ("a b", "a b")]
)
def test_spaces_and_line_breaks_of_a_token_can_be_seen(text: str, seen: str) -> None:
    assert readable(text) == seen
