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
from app.gateway.access.keys import KeyStore
from app.gateway.loopback_door import LoopbackDoor
from app.rack.door.serving import KeyLimits
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


def test_a_key_is_made_shown_once_used_limited_and_revoked(
    serving: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    keys = dialog_of(serving).keys
    store = KeyStore(Home(tmp_path).keys, SystemClock())
    qtbot.waitUntil(lambda: "every program on this computer" in keys.who.text())
    assert not keys.make.isEnabled()
    keys.name.setText("laptop")
    keys.requests.setValue(60)
    keys.make.click()
    qtbot.waitUntil(lambda: "laptop" in keys.who.text())
    (known,) = store.all()
    assert (known.name, known.limits) == ("laptop", KeyLimits(60, None))
    assert keys.once.isVisible()
    made = keys.once.key.text()
    assert store.find(made) == known
    keys.once.copy.click()
    assert QApplication.clipboard().text() == made
    row = [keys.table.rows.index(0, column).data() for column in range(6)]
    assert (row[0], *row[2:]) == ("laptop", "never", "60", "no limit", "valid")
    keys.table.selectRow(0)
    keys.revoke.click()
    assert keys.revoke.text() == "Really revoke laptop?"
    assert store.is_valid("laptop")
    keys.revoke.click()
    qtbot.waitUntil(lambda: "Every key was revoked" in keys.who.text())
    assert store.find(made) is None
    assert not keys.once.isVisible()
    assert not keys.once.key.text()
    assert not keys.revoke.isEnabled()


def test_a_key_that_cannot_be_made_is_told(serving: MainWindow, qtbot: QtBot) -> None:
    keys = dialog_of(serving).keys
    keys.name.setText("x" * 65)
    keys.make.click()
    qtbot.waitUntil(lambda: bool(keys.failure.text()))
    assert keys.name.text()
    assert keys.make.isEnabled()
    assert not keys.once.isVisible()


def test_the_page_tells_what_runs_and_what_was_refused_and_why(
    serving: MainWindow, qtbot: QtBot
) -> None:
    dialog = dialog_of(serving)
    assert not dialog.activity.isVisible()
    dialog.port.setValue(0)
    dialog.switch.click()
    wait_for(qtbot, serving, ServeState.ON)
    httpx2.post(f"{serving.serving.address}/chat/completions", content=b"{}")
    serving.link.aged.emit()
    assert dialog.activity.text().startswith("0 requests are running, 0 wait, 0 were answered, 1 ")
    assert dialog.tabs.tabText(1) == "Refused (1)"
    row = [dialog.refusals.rows.index(0, column).data() for column in range(1, 5)]
    assert row[:3] == ["415", "", "/v1/chat/completions"]
    assert row[3]


def test_the_port_is_remembered(settings: Settings) -> None:
    assert settings.serve_port == DEFAULT_PORT
    settings.serve_port = 9000
    assert settings.serve_port == 9000


def test_a_window_without_an_address_to_open_offers_none(window: MainWindow) -> None:
    assert not window.actions_registry["serve"].isEnabled()
