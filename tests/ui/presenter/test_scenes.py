"""Scenes: files that are shipped, steps that wait for what they speak of, and the remote."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.rack.commands import Ask, Inject
from app.rack.snapshot import Phase, TimelineKind
from app.ui.presenter.scenes import Moment, read_scene, scene_named, scene_names
from app.ui.presenter.stage import PresenterStage
from app.ui.window.main_window import MainWindow
from app.words.catalogue import LANGUAGES, use_language
from app.words.states import serial_text
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish

STEP = '[[steps]]\nwait = "ready"\ncaption = { en = "x" }\n'
HEAD = 'layout = "presenter"\ntitle = { en = "x" }\n'


@pytest.mark.parametrize("name", scene_names())
def test_every_shipped_scene_is_told_in_every_language(name: str) -> None:
    scene = scene_named(name)
    for words in (scene.title, *(step.caption for step in scene.steps)):
        assert words.keys() == LANGUAGES.keys()
    assert scene.steps[-1].wait is Moment.SETTLED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        HEAD,
        HEAD + STEP.replace("ready", "never"),
        HEAD + STEP + 'do = "dance"\n',
        HEAD + STEP + 'do = "inject"\n',
        HEAD + STEP + 'fault = "crash:1"\n',
        HEAD + STEP + "hold_s = -1\n",
        HEAD + STEP + "color = 1\n",
        HEAD + STEP + "tokens = true\n",
        HEAD + STEP.replace("en", "fr"),
        HEAD.replace("presenter", "opera") + STEP,
        HEAD + 'x = "1"\n' + STEP,
        HEAD + "steps = 3\n",
    ],
)
def test_a_scene_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=r"odd\.toml"):
        read_scene(path)


def test_a_caption_waits_for_what_it_speaks_of(
    window: MainWindow, control: ScriptedControl
) -> None:
    stage = PresenterStage(window)
    player = stage.player
    publish(window, control)
    player.play(scene_named("liar"))
    assert player.caption.startswith("4 phones write a text together")
    assert stage.captions.isVisible()
    assert stage.captions.words.text() == player.caption
    player.step(1)
    assert [type(command) for command in control.commands] == [Inject]
    publish(window, control)
    player.step(1)
    assert [type(command) for command in control.commands] == [Inject, Ask]
    for _ in range(3):
        publish(window, control)
        player.step(1)
    assert player.place == (3, 6)
    liar = control.phones[1]
    slashed = Fact("penalty.slashed", phone=liar.name, credits=100.0, found="x")
    control.tell(TimelineKind.SLASH, slashed, liar.serial)
    publish(window, control)
    assert f"{liar.name} lied" in player.caption
    player.step(-1)
    assert player.caption == "Nobody else knows. The text begins."
    player.step(1)
    assert f"{liar.name} lied" in player.caption
    use_language("ja")
    assert f"{liar.name} の嘘" in player.caption
    use_language("en")
    player.stop()
    assert player.caption == ""
    assert stage.bar.isHidden()


def test_a_clicker_leads_through_a_scene_and_leaves_other_keys_alone_after_it(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    stage = PresenterStage(window)
    publish(window, control)
    assert not any(shortcut.isEnabled() for shortcut in stage._remote)
    stage.play(scene_named("crash"))
    assert all(shortcut.isEnabled() for shortcut in stage._remote)
    assert stage.player.place == (1, 4)
    publish(window, control)
    stage._remote[1].activated.emit()
    assert stage.player.place == (2, 4)
    stage._remote[-1].activated.emit()
    assert stage.player.place == (1, 4)
    stage._escape.activated.emit()
    assert stage.player.scene is None
    assert not any(shortcut.isEnabled() for shortcut in stage._remote)
    del qtbot


def test_full_screen_hides_menus_and_masks_serials(
    window: MainWindow, control: ScriptedControl
) -> None:
    stage = PresenterStage(window)
    publish(window, control)
    window.actions_registry["stage"].trigger()
    try:
        assert window.windowState() & Qt.WindowState.WindowFullScreen
        assert window.menuBar().isHidden()
        assert serial_text("PX7P-0001") == "•••01"
    finally:
        stage.leave()
    assert not window.menuBar().isHidden()
    assert serial_text("PX7P-0001") == "PX7P-0001"


def test_scenes_are_in_the_menu(window: MainWindow, control: ScriptedControl) -> None:
    PresenterStage(window)
    publish(window, control)
    names = window.actions_registry.named()
    assert {f"scene-{name}" for name in scene_names()} <= names.keys()
    assert names["scene-liar"].text() == "A liar is caught"
    assert control.phase is Phase.READY
