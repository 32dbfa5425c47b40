from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.errors import PhoneLostError
from app.rack.commands.pairing import AddPlace
from app.rack.pairing import Place, PlaceKind
from app.ui.connect.dialog import ConnectDialog
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import open_window, shut

SERVER = Place(PlaceKind.SERVER, "10.0.0.2:5037")
PHONE = Place(PlaceKind.ADDRESS, "[fe80::1]:5555")
CABLES = Place(PlaceKind.CABLES)


def connecting(window: MainWindow, qtbot: QtBot) -> ConnectDialog:
    window.show_connect()
    dialog = window.findChild(ConnectDialog)
    assert isinstance(dialog, ConnectDialog)
    with qtbot.waitExposed(dialog):
        pass
    return dialog


def test_what_answered_is_remembered_and_what_did_not_is_not(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    dialog = connecting(window, qtbot)
    server, phone = dialog.address.server, dialog.address.phone
    server.text.setText(SERVER.address)
    server.add.click()
    control.adding.set_result(())
    qtbot.waitUntil(lambda: window.settings.places == (SERVER,))
    phone.text.setText(PHONE.address)
    phone.add.click()
    control.adding.set_exception(PhoneLostError("It does not answer."))
    qtbot.waitUntil(lambda: phone.status.words.text() == "It does not answer.")
    dialog.cable.look.click()
    control.adding.set_result(())
    qtbot.waitUntil(lambda: window.settings.places == (SERVER, CABLES))
    dialog.close()


def test_remembered_places_join_again_and_are_waited_for(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    Settings(tmp_path / "window.ini", "shelf").places = (SERVER, PHONE, CABLES)
    control = ScriptedControl()
    window = open_window(qtbot, qapp, Settings(tmp_path / "window.ini", "shelf"))
    with qtbot.waitSignal(window.link.opened):
        window.link.open(lambda: control)
    added = control.commands_of(AddPlace)
    assert added == [AddPlace(place, patient=True) for place in (SERVER, PHONE, CABLES)]
    shut(qtbot, window)


def test_a_forgotten_place_is_gone_from_the_list_and_from_the_file(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    for place in (SERVER, PHONE, SERVER):
        window.places.remember(place)
    dialog = connecting(window, qtbot)
    dialog.ways.setCurrentRow(4)
    page = dialog.places
    shown = [page.list.item(row).text() for row in range(page.list.count())]
    assert shown == ["The adb server 10.0.0.2:5037", "The phone at [fe80::1]:5555"]
    assert not page.forget.isEnabled()
    page.list.setCurrentRow(0)
    qtbot.mouseClick(page.forget, Qt.MouseButton.LeftButton)
    assert Settings(tmp_path / "window.ini").places == (PHONE,)
    page.list.setCurrentRow(0)
    qtbot.mouseClick(page.forget, Qt.MouseButton.LeftButton)
    assert page.empty.isVisible()
    assert Settings(tmp_path / "window.ini").places == ()
    dialog.close()


def test_a_place_that_was_forgotten_is_remembered_when_it_is_added_again(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    dialog = connecting(window, qtbot)
    dialog.ways.setCurrentRow(2)
    for _ in range(2):
        qtbot.mouseClick(dialog.cable.look, Qt.MouseButton.LeftButton)
        control.adding.set_result(())
        qtbot.waitUntil(lambda: window.places.places == (CABLES,))
        window.places.forget(CABLES)
    dialog.close()


@pytest.mark.parametrize("rack", ["", "shelf/one", "server:10.0.0.2:5037"])
def test_each_rack_has_places_of_its_own(tmp_path: Path, rack: str) -> None:
    Settings(tmp_path / "window.ini", rack).places = (PHONE,)
    assert Settings(tmp_path / "window.ini", rack).places == (PHONE,)
    assert Settings(tmp_path / "window.ini", "another").places == ()


def test_odd_lines_in_the_file_are_passed_over(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "window.ini")
    settings._store.setValue("places/rack-", "nonsense\nserver\naddress 10.0.0.7:5555\n")
    assert settings.places == (Place(PlaceKind.ADDRESS, "10.0.0.7:5555"),)
