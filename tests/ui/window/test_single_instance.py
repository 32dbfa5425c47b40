"""A second start on one home raises the window that is there, with what it was asked for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.core.errors import ShardloomError
from app.ui import single_instance
from app.ui.application import _started_again
from app.ui.instance_place import record_of
from app.ui.presenter.stage import PresenterStage
from app.ui.single_instance import SingleInstance, Start, ask_running
from app.ui.window.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("qapp")
ENVIRONMENT = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}


def start_again(qtbot: QtBot, home: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "app", "--home", str(home), *options]
    both = subprocess.STDOUT
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=both, text=True
    ) as second:
        qtbot.waitUntil(lambda: second.poll() is not None)
        assert second.stdout is not None
        told = second.stdout.read()
    return second.returncode, told


def test_the_window_comes_forward_with_what_a_later_start_was_asked_for(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    instance = SingleInstance(tmp_path, "virtual:4")
    stage = PresenterStage(window)
    instance.started.connect(partial(_started_again, window, stage))
    window.showMinimized()
    asked = ("--scene", "text", "--language", "ja", "--rack", "wall-of-64")
    status, told = start_again(qtbot, tmp_path, *asked)
    assert status == 1
    assert "already" in told
    assert "--rack" in told
    assert "virtual:4" in told
    qtbot.waitUntil(lambda: not window.windowState() & Qt.WindowState.WindowMinimized)
    assert stage.player.scene is not None
    assert stage.player.scene.name == "text"
    assert window.appearance.language == "ja"
    assert window.settings._store.value("appearance/language") == "en"
    instance.close()


def test_a_socket_left_by_a_crash_is_no_window(tmp_path: Path) -> None:
    crash = "import os,sys; from pathlib import Path; from PySide6.QtCore import QCoreApplication;"
    crash += "from app.ui.single_instance import SingleInstance as S; a = QCoreApplication([]);"
    crash += "s = S(Path(sys.argv[1])); assert s.listening; os._exit(7)"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", crash, tmp_path], cwd=root, check=False)
    assert done.returncode == 7
    assert (tmp_path / "window.socket").exists()
    assert ask_running(tmp_path, Start()) is None
    instance = SingleInstance(tmp_path)
    assert instance.alone
    assert instance.listening
    instance.close()


def test_one_of_two_that_start_at_once_has_the_home(tmp_path: Path) -> None:
    first, second = SingleInstance(tmp_path), SingleInstance(tmp_path)
    assert (first.alone, second.alone) == (True, False)
    assert (first.listening, second.listening) == (True, False)
    second.close()
    first.close()
    assert SingleInstance(tmp_path).alone


def test_a_window_that_does_not_answer_is_said_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_instance, "_ANSWER_LIMIT_S", 0.2)
    instance = SingleInstance(tmp_path)  # nobody runs its event loop
    with pytest.raises(ShardloomError, match=r"window\.silent"):
        ask_running(tmp_path, Start())
    instance.close()


@pytest.mark.parametrize("said", [b"x" * 5000, b"[1]\n", b"\xff\n", b'{"scene": 3}\n', b""])
def test_what_is_no_start_harms_nobody(qtbot: QtBot, tmp_path: Path, said: bytes) -> None:
    instance = SingleInstance(tmp_path)
    heard: list[Start] = []
    instance.started.connect(heard.append)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "window.socket"))
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        qtbot.waitUntil(lambda: not instance._server.hasPendingConnections())
        client.settimeout(0)
    qtbot.waitUntil(lambda: not instance._visitors)
    assert all(start == Start() for start in heard)
    assert instance.listening
    instance.close()


def test_a_home_with_a_long_path_has_a_window_too(tmp_path: Path) -> None:
    homes = [tmp_path / each for each in ("one", "two", "x" * 200)]
    instances = [SingleInstance(home) for home in homes]
    assert all(each.alone and each.listening for each in instances)
    assert len({each._server.fullServerName() for each in instances}) == 3
    for each in instances:
        each.close()


def test_a_line_nested_without_end_is_no_record() -> None:
    assert record_of(b"[" * 4000) is None
