"""The switch that serves the rack: on, off, refused, and what the window says of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.clock import SystemClock
from app.gateway.access.keys import KeyLimits, KeyStore
from app.gateway.loopback_door import LoopbackDoor
from app.rack.home import Home
from app.ui.looks.appearance import Appearance
from app.ui.rack_link import RackLink
from app.ui.serve.dialog import ServeDialog
from app.ui.serve.serving import ServeState
from app.ui.settings import DEFAULT_PORT, Settings
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import child, open_rack, shut


@pytest.fixture
def serving(
    qtbot: QtBot, qapp: QApplication, settings: Settings, control: ScriptedControl, tmp_path: Path
) -> Iterator[MainWindow]:
    http = LoopbackDoor(Home(tmp_path))
    window = MainWindow(RackLink(), settings, Appearance(qapp, settings), http)
    window.show()
    open_rack(qtbot, window, control)
    yield window
    window.serving.end()
    shut(qtbot, window)


def dialog_of(window: MainWindow) -> ServeDialog:
    window.actions_registry["serve"].trigger()
    return child(window, ServeDialog)


def wait_for(qtbot: QtBot, window: MainWindow, state: ServeState) -> None:
    qtbot.waitUntil(lambda: window.serving.state is state)


def test_the_switch_opens_an_address_that_answers_and_closes_it(
    serving: MainWindow, qtbot: QtBot
) -> None:
    dialog = dialog_of(serving)
    assert dialog.line.text() == "Off: only this window uses the rack."
    assert not serving.header.address.isVisible()
    dialog.port.setValue(0)
    dialog.switch.click()
    wait_for(qtbot, serving, ServeState.ON)
    address = serving.serving.address
    assert address in dialog.line.text()
    assert address in serving.header.address.text()
    assert httpx2.get(address.replace("/v1", "/healthz")).json() == {"status": "ok"}
    assert (dialog.switch.text(), dialog.port.isEnabled()) == ("Stop", False)
    dialog.switch.click()
    wait_for(qtbot, serving, ServeState.OFF)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(address)
    assert not serving.header.address.isVisible()


def test_a_port_that_is_taken_is_told_and_nothing_is_on(serving: MainWindow, qtbot: QtBot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        dialog = dialog_of(serving)
        dialog.port.setValue(port)
        dialog.switch.click()
        qtbot.waitUntil(lambda: bool(serving.serving.failure))
    assert str(port) in dialog.line.text()
    assert dialog.switch.text() == "Serve"
    assert dialog.switch.isEnabled()


def test_an_address_that_stopped_by_itself_is_not_called_on(
    serving: MainWindow, qtbot: QtBot
) -> None:
    dialog = dialog_of(serving)
    dialog.port.setValue(0)
    dialog.switch.click()
    wait_for(qtbot, serving, ServeState.ON)
    assert serving.serving._address is not None
    serving.serving._address.close()
    serving.link.aged.emit()
    assert serving.serving.state is ServeState.LOST
    assert "stopped by itself" in dialog.line.text()
    assert serving.serving.address == ""


def test_who_may_use_it_is_told(serving: MainWindow, tmp_path: Path) -> None:
    assert "every program on this computer" in dialog_of(serving).keys.text()
    KeyStore(Home(tmp_path).keys, SystemClock()).add("laptop", KeyLimits())
    serving.serving.changed.emit()
    assert "laptop" in child(serving, ServeDialog).keys.text()


def test_the_port_is_remembered(settings: Settings) -> None:
    assert settings.serve_port == DEFAULT_PORT
    settings.serve_port = 9000
    assert settings.serve_port == 9000


def test_a_window_without_an_address_to_open_offers_none(window: MainWindow) -> None:
    assert not window.actions_registry["serve"].isEnabled()
