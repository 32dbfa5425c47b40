"""The USB link's protocol part: a virtual phone behind wires that behave as USB does.

No phone on a real cable has been tried: libusb itself and claiming an interface are untested.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import usb1
from adb_shell import adb_device
from adb_shell.exceptions import UsbReadFailedError, UsbWriteFailedError

from app.core.device import DeviceState
from app.core.errors import PhoneLostError, PhoneUnauthorizedError
from app.core.identifiers import Serial
from app.devices.discovery.usb_watch import UsbWatch
from app.devices.errors import PhoneBusyError
from app.devices.links.adb_link import AdbLink
from app.devices.links.usb_link import UsbPhone, connect_usb, connect_usb_or_server, usb_phones
from app.devices.links.usb_transport import UsbTransport
from app.words.sentences import fact_text, reason_text
from tests.integration.devices.rack import key, let_in, persona, private_adb_server, running
from tests.saying import raises_saying

pytestmark = pytest.mark.usefixtures("patient")
SERIAL = Serial("CABLE-1")
LARGEST_TRANSFER_BYTES = 16_384


class Wires:
    """Takes and gives at most one transfer at a time, and loses what does not fit, as USB does."""

    def __init__(self, address: str, failure: Exception | None = None) -> None:
        host, port = address.split(":")
        self._address = (host, int(port))
        self._failure = failure
        self._socket: socket.socket | None = None

    @property
    def serial_number(self) -> str:
        return SERIAL

    def connect(self, transport_timeout_s: float | None) -> None:
        if self._failure:
            raise self._failure
        self._socket = socket.create_connection(self._address, transport_timeout_s)
        self._socket.settimeout(None)  # of one thread, it would be the other's too

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        if self._socket is None:
            raise UsbReadFailedError("closed", None)
        if not select.select([self._socket], [], [], transport_timeout_s)[0]:
            raise UsbReadFailedError("timeout", usb1.USBErrorTimeout())
        try:
            data = self._socket.recv(min(numbytes, LARGEST_TRANSFER_BYTES))
        except ConnectionResetError:
            data = b""
        if not data:
            raise UsbReadFailedError("gone", usb1.USBErrorNoDevice())
        return data

    def bulk_write(self, data: bytes, _transport_timeout_s: float | None) -> int:
        if self._socket is None:
            raise UsbWriteFailedError("closed", None)
        taken = data[:LARGEST_TRANSFER_BYTES]
        try:
            self._socket.sendall(taken)
        except OSError:
            raise UsbWriteFailedError("gone", usb1.USBErrorNoDevice()) from None
        return len(taken)


@pytest.fixture
def link(tmp_path: Path) -> Iterator[AdbLink]:
    with running([persona(SERIAL)], tmp_path) as rack:
        link = connect_usb(UsbPhone(SERIAL, Wires(rack.addresses[0])), key(tmp_path))
        yield link
        link.close()


def test_short_transfers_lose_nothing(link: AdbLink, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "out").write_bytes(content)
    link.push(tmp_path / "out", "/data/local/tmp/file")
    link.pull("/data/local/tmp/file", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert link.transport == f"USB {SERIAL}"
    assert link.shell("exit 7").exit_code == 7


def test_a_phone_unplugged_in_a_push_is_lost(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(20_000_000))
    with running([persona(SERIAL)], tmp_path) as rack:
        wires = Wires(rack.addresses[0])
        link = connect_usb(UsbPhone(SERIAL, wires), key(tmp_path))

        def unplug(done_bytes: int, _total_bytes: int) -> None:
            if done_bytes > 1_000_000 and rack.addresses:
                rack.kill(SERIAL)

        with raises_saying(PhoneLostError, match="unplugged"):
            link.push(tmp_path / "big", "/data/local/tmp/big", progress=unplug)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (usb1.USBErrorBusy(), "another program holds it"),
        (usb1.USBErrorAccess(), "this user may not use it"),
        (usb1.USBErrorNoDevice(), "unplugged"),
    ],
)
def test_what_keeps_a_phone_from_being_opened_is_said(
    failure: Exception, words: str, tmp_path: Path
) -> None:
    with raises_saying(PhoneLostError, match=words):
        connect_usb(UsbPhone(SERIAL, Wires("127.0.0.1:1", failure)), key(tmp_path))


def test_a_phone_that_an_adb_server_holds_is_reached_through_it(tmp_path: Path) -> None:
    busy = usb1.USBErrorBusy()
    with running([persona(SERIAL)], tmp_path) as rack, private_adb_server(tmp_path) as server:
        listed = Serial(rack.addresses[0])
        phone = UsbPhone(listed, Wires(rack.addresses[0], busy))
        with raises_saying(PhoneBusyError, match="another program holds it"):
            connect_usb_or_server(phone, key(tmp_path))
        let_in(server, listed)
        link = connect_usb_or_server(phone, key(tmp_path))
        assert link.shell("getprop ro.serialno").stdout.strip() == SERIAL
        assert link.transport == server.name


def test_an_unknown_computer_is_told_what_to_tap(tmp_path: Path) -> None:
    with running([persona(SERIAL, accept_keys="ask")], tmp_path) as rack:
        phone = UsbPhone(SERIAL, Wires(rack.addresses[0]))
        with raises_saying(PhoneUnauthorizedError, match="tap Allow"):
            connect_usb(phone, key(tmp_path), authorization_timeout_s=0.3)


def test_a_served_phone_is_left_to_its_server_and_an_unplugged_one_is_lost(tmp_path: Path) -> None:
    plugged = [UsbPhone(SERIAL, Wires("127.0.0.1:1"))]
    served = True
    watch = UsbWatch(key(tmp_path), lambda: served, lambda: plugged)
    watch.close()  # nothing but what is looked at here counts
    watch._look()
    assert not list(watch.phones)
    served = False
    watch._look()
    assert [(phone.serial, phone.state) for phone in watch.phones] == [(SERIAL, DeviceState.FOUND)]
    plugged.clear()
    watch._look()
    assert [phone.state for phone in watch.phones] == [DeviceState.LOST]
    assert "unplugged" in reason_text(watch.phones[0].reason)


def test_a_phone_that_another_thread_has_seen_go_is_unplugged_for_the_writer_too() -> None:
    transport = UsbTransport(Wires("127.0.0.1:1"), f"USB {SERIAL}")
    transport.close()
    with raises_saying(PhoneLostError, match="unplugged"):
        transport.bulk_write(b"late", 1.0)


def test_a_phone_whose_serial_may_not_be_read_is_told_with_the_rule_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ForbiddenWires(Wires):
        port_path = (1, 4, 2)

        @property
        def serial_number(self) -> str:
            raise usb1.USBErrorAccess

    class Library:
        @staticmethod
        def find_all_adb_devices() -> list[Wires]:
            return [ForbiddenWires("127.0.0.1:1")]

    monkeypatch.setattr(adb_device, "UsbTransport", Library)
    watch = UsbWatch(key(tmp_path), lambda: False)
    watch.close()
    watch._look()
    (phone,) = watch.phones
    assert (phone.serial, phone.state) == ("usb:1-4.2", DeviceState.LOST)
    assert "/etc/udev/rules.d/" in fact_text(phone.account)


def test_two_phones_of_one_serial_number_on_cables_are_two_and_keep_their_names(
    tmp_path: Path,
) -> None:
    first, second = (
        UsbPhone(SERIAL, Wires("127.0.0.1:1"), port=port) for port in ("usb:1-1", "usb:1-2")
    )
    plugged: list[UsbPhone] = []
    watch = UsbWatch(key(tmp_path), lambda: False, lambda: plugged)
    watch.close()
    seen = []
    for now in ([first], [second, first], [second], [first, second]):
        plugged[:] = now
        watch._look()
        here = [phone for phone in watch.phones if phone.state is DeviceState.FOUND]
        seen.append({phone.port: str(phone.serial) for phone in here})
    both = {"usb:1-1": SERIAL, "usb:1-2": f"{SERIAL}@usb:1-2"}
    assert seen == [{"usb:1-1": SERIAL}, both, {"usb:1-2": f"{SERIAL}@usb:1-2"}, both]


def test_each_of_two_cables_of_one_serial_number_leads_to_its_own_phone(tmp_path: Path) -> None:
    behind = {"usb:1-1": "FIRST", "usb:1-2": "SECOND"}
    with running([persona(serial) for serial in behind.values()], tmp_path) as rack:
        plugged = [
            UsbPhone(SERIAL, Wires(address), port=port)
            for port, address in zip(behind, rack.addresses, strict=True)
        ]
        watch = UsbWatch(key(tmp_path), lambda: False, lambda: plugged)
        watch.close()
        watch._look()
        told = {}
        for phone in watch.phones:
            link = phone.connect()
            told[phone.port] = link.shell("getprop ro.serialno").stdout.strip()
            link.close()
    assert told == behind


def test_without_libusb_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adb_device, "UsbTransport", None)
    with raises_saying(PhoneLostError, match="apt-get install libusb"):
        usb_phones()
