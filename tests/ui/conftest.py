from __future__ import annotations

import gc
import os
import shutil
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from app.words.catalogue import use_language
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import PatientBot, open_rack, open_window, shut

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


STOP_TIMEOUT_S = 60.0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Free what a test made on this thread: Qt's objects must not be freed on another one.

    Only what the test made is looked through, and no other thread looks meanwhile.
    """
    gc.freeze()
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.enable()
        gc.unfreeze()


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> PatientBot:
    """Replace pytest-qt's, whose patience is five seconds."""
    del qapp
    return PatientBot(request)


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    """Speak English again, whatever a window was asked for: other tests run in this process."""
    yield
    use_language("en")


@pytest.fixture
def control() -> ScriptedControl:
    rack = ScriptedControl()
    rack.make_ready()
    return rack


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path / "window.ini")
    settings.theme = "dark"
    settings.language = "en"
    settings.start_demo = False
    return settings


@pytest.fixture
def window(
    qtbot: QtBot, qapp: QApplication, settings: Settings, control: ScriptedControl
) -> Iterator[MainWindow]:
    shown = open_window(qtbot, qapp, settings)
    open_rack(qtbot, shown, control)
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
    assert number, "Xvfb did not start"
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(STOP_TIMEOUT_S)
