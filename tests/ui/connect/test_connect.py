from __future__ import annotations

from collections.abc import Iterator

import pytest
import segno
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.core.device import DeviceState
from app.core.errors import PhoneLostError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.rack.commands.pairing import AddPlace, PairByCode, PairByQr
from app.rack.pairing import (
    PairedPhone,
    PairingRequest,
    PairingStep,
    PairingWindow,
    Place,
    PlaceKind,
    SeenPhone,
)
from app.ui.connect.dialog import ConnectDialog
from app.ui.connect.qr_code import QrCode
from app.ui.looks.marks import Mark
from app.ui.window.main_window import MainWindow
from app.words.connect import plain_name
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish

FIRST = PairingWindow("adb-VP0001-abcdef", "10.0.0.7:37123")
SECOND = PairingWindow("studio", "10.0.0.8:41000")


@pytest.fixture
def dialog(window: MainWindow, qtbot: QtBot) -> Iterator[ConnectDialog]:
    window.show_connect()
    shown = window.findChild(ConnectDialog)
    assert isinstance(shown, ConnectDialog)
    with qtbot.waitExposed(shown):
        pass
    yield shown
    if window.findChild(ConnectDialog) is not None:
        shown.close()


def asked(control: ScriptedControl) -> PairingRequest:
    return control.commands_of(PairByQr)[-1].request


def step(control: ScriptedControl, reached: PairingStep) -> None:
    assert control.tell_step is not None
    control.tell_step(reached)


def modules_of(code: QrCode) -> list[list[bool]]:
    """Read the modules off the painted picture, as a camera would."""
    picture, pixels = code.grab().toImage(), code.module_pixels()
    ratio = code.devicePixelRatioF()
    count = len(code._modules)
    left = (round(code.width() * ratio) - count * pixels) // 2
    top = (round(code.height() * ratio) - count * pixels) // 2
    middle = pixels // 2
    black = QColor("#000000").rgb()
    return [
        [
            picture.pixel(left + x * pixels + middle, top + y * pixels + middle) == black
            for x in range(count)
        ]
        for y in range(count)
    ]


def expected_modules(text: str) -> list[list[bool]]:
    code = segno.make(text, micro=False, error="m")
    return [[bool(module) for module in row] for row in code.matrix_iter(border=4)]


def test_the_painted_qr_code_says_what_the_rack_waits_for(
    dialog: ConnectDialog, control: ScriptedControl
) -> None:
    text = asked(control).text
    assert not any(map(any, modules_of(dialog.qr.code)))
    step(control, PairingStep.READING)
    assert modules_of(dialog.qr.code) == expected_modules(text)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("side", [200, 294, 501])
def test_the_qr_code_is_whole_pixels_black_on_white_under_every_theme(
    window: MainWindow, theme: str, side: int
) -> None:
    window.appearance.set_theme(theme)
    code = QrCode()
    code.resize(side, side)
    code.show_text("WIFI:T:ADB;S:shardloom-x;P:secret;;")
    code.set_readable(readable=True)
    assert modules_of(code) == expected_modules("WIFI:T:ADB;S:shardloom-x;P:secret;;")
    middle = code.grab().toImage()
    colours = {
        middle.pixel(x, y) for x in range(20, side - 20) for y in range(side // 2, side // 2 + 9)
    }
    assert colours == {QColor("#000000").rgb(), QColor("#ffffff").rgb()}


def test_a_phone_that_read_the_code_is_followed_until_it_is_ready(
    window: MainWindow, dialog: ConnectDialog, control: ScriptedControl, qtbot: QtBot
) -> None:
    serial = control.phones[0].serial
    control.phones[0].state = DeviceState.PREPARING
    step(control, PairingStep.READING)
    assert "Waiting for a phone" in dialog.qr.status.words.text()
    step(control, PairingStep.AGREEING)
    assert not dialog.qr.code.readable
    control.pairing.set_result(PairedPhone("adb-VP0001-abcdef", "10.0.0.7:4", serial))
    qtbot.waitUntil(lambda: "paired and connected" in dialog.qr.status.words.text())
    publish(window, control)
    assert "being prepared" in dialog.qr.status.words.text()
    control.phones[0].state = DeviceState.READY
    publish(window, control)
    assert "Pixel 7 Pro is in the rack and ready" in dialog.qr.status.words.text()
    assert dialog.qr.status.mark is Mark.READY


def test_cancelling_leaves_a_code_that_nobody_can_read_and_a_new_one_differs(
    dialog: ConnectDialog, control: ScriptedControl, qtbot: QtBot
) -> None:
    first, pairing = asked(control), control.pairing
    step(control, PairingStep.READING)
    qtbot.mouseClick(dialog.qr.button, Qt.MouseButton.LeftButton)
    assert pairing.cancelled()
    assert not any(map(any, modules_of(dialog.qr.code)))
    assert "Cancelled" in dialog.qr.status.words.text()
    qtbot.mouseClick(dialog.qr.button, Qt.MouseButton.LeftButton)
    assert asked(control) != first


def test_what_waits_for_a_phone_ends_with_its_page_and_with_the_dialog(
    dialog: ConnectDialog, control: ScriptedControl
) -> None:
    by_qr = control.pairing
    dialog.ways.setCurrentRow(1)
    assert by_qr.cancelled()
    watching = control.watching
    assert not watching.done()
    dialog.close()
    assert watching.cancelled()


def test_a_failure_is_told_in_the_dialog_and_not_behind_it(
    window: MainWindow, dialog: ConnectDialog, control: ScriptedControl, qtbot: QtBot
) -> None:
    failures: list[str] = []
    window.link.failed.connect(failures.append)
    control.pairing.set_exception(PhoneLostError("No phone read the QR code."))
    qtbot.waitUntil(lambda: dialog.qr.status.mark is Mark.LOST)
    assert dialog.qr.status.words.text() == "No phone read the QR code."
    assert failures == []


@pytest.mark.parametrize("reason", ["", "libusb is missing."])
def test_what_ends_after_the_dialog_was_closed_is_said_by_the_window_if_it_failed(
    window: MainWindow, dialog: ConnectDialog, control: ScriptedControl, qtbot: QtBot, reason: str
) -> None:
    failures: list[str] = []
    window.link.failed.connect(failures.append)
    dialog.ways.setCurrentRow(2)
    qtbot.mouseClick(dialog.cable.look, Qt.MouseButton.LeftButton)
    dialog.close()
    qtbot.waitUntil(lambda: window.findChild(ConnectDialog) is None)
    if reason:
        control.adding.set_exception(PhoneLostError(reason))
    else:
        control.adding.set_result(())
    assert failures == [reason] * bool(reason)


def test_found_phones_are_listed_live_and_the_only_one_is_taken(
    dialog: ConnectDialog, control: ScriptedControl, qtbot: QtBot
) -> None:
    dialog.ways.setCurrentRow(1)
    page, tell = dialog.code, control.tell_windows
    assert tell is not None
    assert page.empty.isVisible()
    tell((FIRST,))
    assert page.address.text() == FIRST.address
    tell((FIRST, SECOND))
    assert [page.found.rows.index(row, 0).data() for row in (0, 1)] == ["VP0001", "studio"]
    place = page.found.visualRect(page.found.rows.index(1, 0)).center()
    qtbot.mouseClick(page.found.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert page.address.text() == SECOND.address
    tell(())
    assert page.empty.isVisible()


def test_pairing_needs_an_address_and_six_digits_and_tells_a_wrong_code(
    dialog: ConnectDialog, control: ScriptedControl, qtbot: QtBot
) -> None:
    dialog.ways.setCurrentRow(1)
    page = dialog.code
    page.address.setText(FIRST.address)
    qtbot.keyClicks(page.code, "12 34x5")
    assert not page.pair.isEnabled()
    page.code.clear()
    qtbot.keyClicks(page.code, "123 456")
    qtbot.mouseClick(page.pair, Qt.MouseButton.LeftButton)
    (command,) = control.commands_of(PairByCode)
    assert (command.address, command.code) == (FIRST.address, "123 456")
    assert not page.pair.isEnabled()
    control.pairing.set_exception(PhoneLostError("It has another code."))
    qtbot.waitUntil(lambda: page.status.words.text() == "It has another code.")
    assert page.pair.isEnabled()
    assert page.code.selectedText() == "123 456"


def test_a_phone_paired_but_not_connected_is_told_so(
    dialog: ConnectDialog, control: ScriptedControl, qtbot: QtBot
) -> None:
    reason = Fact("pairing.unadvertised")
    control.pairing.set_result(PairedPhone("adb-VP9-abcdef", None, None, reason))
    qtbot.waitUntil(lambda: dialog.qr.status.mark is Mark.FAULT)
    assert "Paired with VP9, but not connected yet: it does not advertise" in (
        dialog.qr.status.words.text()
    )


def test_a_server_and_an_address_are_added_and_waiting_phones_say_what_to_tap(
    dialog: ConnectDialog, control: ScriptedControl, qtbot: QtBot
) -> None:
    dialog.ways.setCurrentRow(3)
    server, phone = dialog.address.server, dialog.address.phone
    qtbot.keyClicks(server.text, "10.0.0.2:5037")
    qtbot.mouseClick(server.add, Qt.MouseButton.LeftButton)
    assert control.commands[-1] == AddPlace(Place(PlaceKind.SERVER, "10.0.0.2:5037"))
    control.adding.set_result(())
    qtbot.waitUntil(lambda: "adb server answers" in server.status.words.text())
    assert server.text.text() == ""
    qtbot.keyClicks(phone.text, "10.0.0.7:5555")
    qtbot.keyClick(phone.text, Qt.Key.Key_Return)
    assert control.commands[-1] == AddPlace(Place(PlaceKind.ADDRESS, "10.0.0.7:5555"))
    waits = SeenPhone(
        Serial("10.0.0.7:5555"), DeviceState.UNAUTHORIZED, Fact("phone.no_worker", phone="It")
    )
    control.adding.set_result((waits,))
    qtbot.waitUntil(lambda: phone.status.words.text() == "It has no worker.")


def test_cables_can_be_looked_at_again_where_that_failed(
    dialog: ConnectDialog, control: ScriptedControl, qtbot: QtBot
) -> None:
    dialog.ways.setCurrentRow(2)
    page = dialog.cable
    qtbot.mouseClick(page.look, Qt.MouseButton.LeftButton)
    assert control.commands[-1] == AddPlace(Place(PlaceKind.CABLES))
    assert not page.look.isEnabled()
    control.adding.set_exception(PhoneLostError("libusb is missing."))
    qtbot.waitUntil(page.look.isEnabled)
    assert page.status.words.text() == "libusb is missing."


@pytest.mark.parametrize(
    ("guid", "name"),
    [
        ("adb-R5CT-abcdef", "R5CT"),
        ("adb-A-B-xyz", "A-B"),
        ("studio-x", "studio-x"),
        ("adb-", "adb-"),
    ],
)
def test_a_guid_is_shown_by_its_serial(guid: str, name: str) -> None:
    assert plain_name(guid) == name
