"""A second start on one home raises the window that is there."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.single_instance import (
    SingleInstance,
    come_forward,
    instance_name,
    raise_running,
)
from app.ui.window.main_window import MainWindow


def test_the_window_comes_forward_when_the_program_is_started_again(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    name = instance_name(tmp_path)
    assert not raise_running(name)
    instance = SingleInstance(name, partial(come_forward, window))
    assert instance.listening
    window.showMinimized()
    command = [sys.executable, "-m", "app", "--home", str(tmp_path)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as second:
        qtbot.waitUntil(lambda: second.poll() is not None)
        assert second.stdout is not None
        told = second.stdout.read()
    assert second.returncode == 0
    assert "already" in told
    qtbot.waitUntil(lambda: not window.windowState() & Qt.WindowState.WindowMinimized)
    instance.close()
    assert not raise_running(name)


def test_a_socket_left_by_a_crash_is_no_window(tmp_path: Path) -> None:
    name = instance_name(tmp_path)
    crash = "import sys,os; from PySide6.QtCore import QCoreApplication as A; a=A([]);"
    crash += "from PySide6.QtNetwork import QLocalServer as S; s=S(); s.listen(sys.argv[1]);"
    subprocess.run([sys.executable, "-c", f"{crash} os._exit(1)", name], check=False)
    assert not raise_running(name)
    instance = SingleInstance(name, lambda: None)
    assert instance.listening
    assert raise_running(name)
    instance.close()


def test_homes_have_windows_of_their_own(tmp_path: Path) -> None:
    names = {instance_name(tmp_path / each) for each in ("one", "two", "x" * 200)}
    assert len(names) == 3
    assert all(len(name) < 50 for name in names)
