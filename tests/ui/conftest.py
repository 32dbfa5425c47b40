from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_control import ScriptedControl
from ui_window import open_window, shut

from app.ui.main_window import MainWindow
from app.ui.settings import Settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def control() -> ScriptedControl:
    rack = ScriptedControl()
    rack.make_ready()
    return rack


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path / "window.ini")
    settings.theme = "dark"
    settings.start_demo = False
    return settings


@pytest.fixture
def window(
    qtbot: QtBot, qapp: QApplication, settings: Settings, control: ScriptedControl
) -> Iterator[MainWindow]:
    shown = open_window(qtbot, qapp, settings)
    with qtbot.waitSignal(shown.link.opened):
        shown.link.open(lambda: control)
    yield shown
    shut(qtbot, shown)


@pytest.fixture
def display() -> Iterator[str]:
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("Xvfb is not installed: the window was not tried on a real X server")
    read, write = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(write), "-screen", "0", "1280x720x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        number = answer.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)
