from __future__ import annotations

from pathlib import Path

from PIL import Image
from pytestqt.qtbot import QtBot

from app.core.conversation import MOST_PICTURE_BYTES
from app.core.tasks import Chat, Complete, TaskKind
from app.rack.commands import Ask
from app.ui.playground.picture_button import preview
from app.ui.window.main_window import MainWindow
from tests.ui.playground.test_tasks import ask, choose, offer
from tests.ui.scripted_control import ScriptedControl


def test_a_picture_goes_with_a_prompt_where_the_model_sees(
    window: MainWindow, control: ScriptedControl, tmp_path: Path
) -> None:
    button = window.playground.picture
    offer(window, control, TaskKind.GENERATE, TaskKind.CHAT)
    assert button.isHidden()
    control.sees = True
    offer(window, control, TaskKind.GENERATE, TaskKind.CHAT)
    assert not button.isHidden()
    path = tmp_path / "a.png"
    Image.new("RGB", (60, 20), (200, 10, 10)).save(path)
    button.choose(str(path))
    assert not button.icon().isNull()
    choose(window, TaskKind.CHAT)
    ask(window, "what is it?")
    task = control.commands_of(Ask)[-1].task
    assert isinstance(task, Chat)
    assert task.conversation[-1].pictures == (path.read_bytes(),)
    assert button.pictures == ()


def test_a_click_takes_the_picture_away_again(
    window: MainWindow, control: ScriptedControl, tmp_path: Path
) -> None:
    control.sees = True
    offer(window, control, TaskKind.GENERATE)
    button = window.playground.picture
    button.choose(str(tmp_path / "missing.png"))
    assert button.pictures == ()
    button.take((b"no picture",))
    assert button.icon().isNull()
    button.click()
    ask(window, "words")
    task = control.commands_of(Ask)[-1].task
    assert isinstance(task, Complete)
    assert task.pictures == ()


def test_a_file_that_is_not_taken_is_told_of(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    button, large = window.playground.picture, tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(MOST_PICTURE_BYTES + 1)
    for path, words in ((tmp_path / "missing.png", "missing.png"), (large, "larger than 32 MiB")):
        with qtbot.waitSignal(window.link.failed) as told:
            button.choose(str(path))
        assert words in told.args[0]
        assert button.pictures == ()


def test_what_is_no_picture_has_no_preview() -> None:
    assert preview(b"") is None
    assert preview(b"none") is None
