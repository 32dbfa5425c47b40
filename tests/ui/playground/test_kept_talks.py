"""Texts and conversations are listed, searched, deleted and had back, and survive a restart."""

from __future__ import annotations

import json
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.facts import Fact
from app.core.tasks import TaskKind
from app.rack.commands import Ask
from app.rack.snapshot import RequestState
from app.ui.playground.conversations import talk_files
from app.ui.playground.conversations.talk_export import talk_markdown
from app.ui.playground.conversations.talk_files import TalksFile
from app.ui.playground.conversations.talk_records import kept_talks
from app.ui.playground.conversations.talks import Talk, Talks
from app.ui.playground.conversations.talks_dialog import TalksDialog
from app.ui.playground.prompts_dialog import PromptsDialog
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import child, open_rack, open_window, publish, shut

FILE = "talks.json"


def said(window: MainWindow, control: ScriptedControl, *texts: str) -> None:
    publish(window, control)
    for text in texts:
        window.playground.prompt.setText(text)
        window.playground.start()
        control.emit_token()
        control.settle()
        publish(window, control)


def titles(dialog: TalksDialog) -> list[str]:
    return [talk.title for talk in dialog.table.rows.rows]


def test_all_are_there_after_a_restart_where_the_setting_lets_them(
    window: MainWindow,
    control: ScriptedControl,
    qtbot: QtBot,
    qapp: QApplication,
    settings: Settings,
    tmp_path: Path,
) -> None:
    window.playground.task.choose(TaskKind.GENERATE)
    said(window, control, "Once upon a time", "Water is")
    before = {talk.title: talk.request for talk in window.playground.talks.listed}
    window.kept_talks.close()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    again = open_window(qtbot, qapp, settings)
    fresh = ScriptedControl()
    fresh.make_ready()
    open_rack(qtbot, again, fresh)
    assert not again.playground.talks.all
    for talk in again.playground.talks.listed:
        old = before.pop(talk.title)
        assert talk.request is not None
        assert old is not None
        assert (talk.request.text, talk.request.state, talk.request.receipts) == (
            (old.text, old.state, old.receipts)
        )
        assert not talk.running
    assert not before
    again.actions_registry["keep-talks"].trigger()
    qtbot.waitUntil(lambda: not (tmp_path / FILE).exists())
    again.kept_talks.close()
    assert not (tmp_path / FILE).exists()
    shut(qtbot, again)


def test_the_list_is_searched_and_what_is_deleted_can_be_had_back(
    window: MainWindow, control: ScriptedControl
) -> None:
    said(window, control, "Once upon a time", "Water is", "Iron is")
    window.actions_registry["talks"].trigger()
    dialog = child(window, TalksDialog)
    assert titles(dialog) == ["Iron is", "Water is", "Once upon a time"]
    dialog.search.setText("IS")
    assert set(titles(dialog)) >= {"Iron is", "Water is"}
    dialog.search.setText("water")
    assert titles(dialog) == ["Water is"]
    dialog.table.selectRow(0)
    dialog.delete.click()
    dialog.search.clear()
    assert titles(dialog) == ["Iron is", "Once upon a time"]
    assert dialog.undo.toolTip() == "Water is"
    dialog.undo.click()
    assert titles(dialog) == ["Iron is", "Water is", "Once upon a time"]
    assert not dialog.undo.isEnabled()
    dialog.table.selectRow(1)
    dialog.show_it.click()
    assert window.playground.talks.shown is dialog.table.rows.rows[1]
    assert window.playground.stream.toPlainText().startswith("Water is")


def test_what_was_put_off_the_strip_stays_on_the_list(
    window: MainWindow, control: ScriptedControl
) -> None:
    said(window, control, "Once upon a time", "Water is")
    talks = window.playground.talks
    first = talks.all[0]
    talks.drop(first)
    assert first not in talks.all
    assert first in talks.listed
    talks.show(first)
    assert talks.all[-1] is first
    assert talks.shown is first


def test_what_runs_cannot_be_deleted(window: MainWindow, control: ScriptedControl) -> None:
    publish(window, control)
    window.playground.start()
    publish(window, control)
    (talk,) = window.playground.talks.listed
    assert talk.running
    window.playground.talk_actions.delete([talk])
    assert window.playground.talks.listed == (talk,)


def test_several_prompts_are_asked_at_once(window: MainWindow, control: ScriptedControl) -> None:
    publish(window, control)
    window.actions_registry["several"].trigger()
    dialog = child(window, PromptsDialog)
    assert not dialog.all.isEnabled()
    dialog.lines.setPlainText("One\n\n  Two  \nThree")
    assert dialog.all.text() == "Ask 3 prompts"
    dialog.all.click()
    publish(window, control)
    assert [ask.task.text for ask in control.commands_of(Ask)] == ["One", "Two", "Three"]  # type: ignore[union-attr]
    assert [talk.title for talk in window.playground.talks.all] == ["One", "Two", "Three"]
    assert all(talk.running for talk in window.playground.talks.all)


def test_the_gauge_tells_how_much_of_the_context_is_used(
    window: MainWindow, control: ScriptedControl
) -> None:
    assert not window.playground.gauge.isVisible()
    said(window, control, "Once upon a time")
    gauge, snapshot = window.playground.gauge, window.link.snapshot
    assert snapshot is not None
    (request,) = snapshot.requests
    assert gauge.isVisible() is (snapshot.context_tokens > 0 and request.prompt_tokens > 0)
    gauge.show_request(request, 4)
    assert gauge.share in (0.0, min((request.prompt_tokens + 1) / 4, 1.0))


def test_markdown_quotes_what_was_asked_and_says_how_sure_the_answer_is(
    window: MainWindow, control: ScriptedControl
) -> None:
    said(window, control, "Once upon a time")
    (talk,) = window.playground.talks.listed
    text = talk_markdown(talk)
    assert text.startswith("# Once upon a time\n\n> Once upon a time\n\n")
    assert "receipts" in text.splitlines()[-1]


def test_what_runs_is_kept_only_where_the_window_goes_now(
    window: MainWindow, control: ScriptedControl, tmp_path: Path
) -> None:
    publish(window, control)
    window.playground.start()
    control.emit_token()
    publish(window, control)
    listed = window.playground.talks.listed
    assert kept_talks(listed) == ()
    file = TalksFile(tmp_path / "x.json")
    file.writing(kept_talks(listed, cut_off=True))()
    (talk,) = file.read().talks
    assert talk.request is not None
    assert talk.request.state is RequestState.CANCELLED


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["format", "talks", "kind", "prompt", "name", "begun_ms", "turns", "answer"]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=12,
)


@given(held=json_values | st.fixed_dictionaries({"format": st.just(1), "talks": json_values}))
def test_no_file_can_stop_the_window(
    tmp_path_factory: pytest.TempPathFactory, held: object
) -> None:
    path = tmp_path_factory.mktemp("odd") / FILE
    path.write_text(json.dumps(held))
    for talk in TalksFile(path).read().talks:
        assert isinstance(talk, Talk)
        Talks().restore([talk])


@pytest.mark.parametrize("odd", [b"", b"\xff", b"[" * 100_000, b'{"format": 2, "talks": []}'])
def test_a_file_that_is_none_of_ours_is_put_aside_and_told_of(tmp_path: Path, odd: bytes) -> None:
    path = tmp_path / FILE
    for number in (1, 2):
        path.write_bytes(odd)
        read = TalksFile(path).read()
        aside = tmp_path / f"talks-aside-{number}.json"
        assert read.talks == ()
        assert read.told == Fact("talks.put_aside", path=str(aside))
        assert aside.read_bytes() == odd
        assert not path.exists()


def test_a_file_that_is_too_large_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk_files, "LARGEST_READ_BYTES", 10)
    (tmp_path / FILE).write_text('{"format": 1, "talks": []}')
    told = TalksFile(tmp_path / FILE).read().told
    assert told is not None
    assert told.code == "talks.put_aside"


def test_what_can_be_read_of_a_damaged_file_is_there_and_the_rest_is_not_lost(
    window: MainWindow, control: ScriptedControl, tmp_path: Path
) -> None:
    said(window, control, "Once upon a time", "Water is")
    path = tmp_path / "own" / FILE
    path.parent.mkdir()
    file = TalksFile(path)
    file.writing(kept_talks(window.playground.talks.listed[::-1]))()
    held = json.loads(path.read_text())
    held["talks"][0]["begun_ms"] = "yesterday"
    path.write_text(json.dumps(held))
    read = file.read()
    assert [talk.title for talk in read.talks] == ["Water is"]
    assert json.loads((path.parent / "talks-aside-1.json").read_text()) == held


def test_the_window_tells_of_a_damaged_file_and_keeps_what_follows(
    qtbot: QtBot, qapp: QApplication, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text("{")
    window = open_window(qtbot, qapp, settings)
    qtbot.waitUntil(window.alert.isVisible)
    assert str(tmp_path / "talks-aside-1.json") in window.alert.words.text()
    window.kept_talks.close()
    assert (tmp_path / "talks-aside-1.json").read_text() == "{"
    shut(qtbot, window)


def test_a_file_that_cannot_be_put_aside_is_left_as_it_is(
    qtbot: QtBot, qapp: QApplication, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / FILE).mkdir()  # a folder is read by nobody, root included
    (tmp_path / FILE / "x").touch()
    window = open_window(qtbot, qapp, settings)
    qtbot.waitUntil(window.alert.isVisible)
    control = ScriptedControl()
    control.make_ready()
    open_rack(qtbot, window, control)
    said(window, control, "Once upon a time")
    window.kept_talks.close()
    assert (tmp_path / FILE / "x").exists()
    shut(qtbot, window)


def test_what_was_wanted_last_stays_whoever_writes_last(
    window: MainWindow, control: ScriptedControl, tmp_path: Path
) -> None:
    said(window, control, "Once upon a time", "Water is")
    path, kept = tmp_path / "x.json", kept_talks(window.playground.talks.listed[::-1])
    file = TalksFile(path)
    late, last = file.writing(kept[:1]), file.writing(kept)
    last()
    late()
    assert len(file.read().talks) == len(kept)
    forgotten, after = file.forgetting(), file.writing(kept[:1])
    after()
    forgotten()
    assert len(file.read().talks) == 1
    assert [each.name for each in tmp_path.glob("x*")] == ["x.json"]


def test_the_oldest_are_left_out_of_a_file_that_would_be_too_large(
    window: MainWindow,
    control: ScriptedControl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said(window, control, "Once upon a time", "Water is")
    file, kept = TalksFile(tmp_path / "x.json"), kept_talks(window.playground.talks.listed[::-1])
    file.writing(kept[1:])()
    size = (tmp_path / "x.json").stat().st_size
    monkeypatch.setattr(talk_files, "LARGEST_WRITTEN_BYTES", size)
    file.writing(kept)()
    assert [talk.title for talk in file.read().talks] == [kept[1].prompt]


def test_a_disk_that_takes_nothing_is_told_of_once(
    window: MainWindow, control: ScriptedControl, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    told: list[str] = []
    window.link.failed.connect(told.append)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    said(window, control, "Once upon a time")
    for _ in range(2):
        window.kept_talks._look()
        qtbot.waitUntil(lambda: bool(told) and not window.kept_talks._written)
    assert told == ["Texts and conversations could not be kept: No space left on device."]
