"""Phones on USB without an adb server, through libusb. Not yet run against a phone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import usb1
from adb_shell import adb_device

from app.core.errors import PhoneLostError, reason_of
from app.core.identifiers import Serial
from app.devices.adb.keys import HostKey
from app.devices.errors import PhoneBusyError
from app.devices.links.adb_link import AdbLink
from app.devices.links.local_servers import server_with
from app.devices.links.server_link import connect_server
from app.devices.links.session_source import SessionSource
from app.devices.links.usb_transport import UsbTransport


@dataclass(frozen=True)
class UsbPhone:
    """A phone's ADB interface; an Android phone's USB serial number is its `ro.serialno`."""

    serial: Serial
    wires: Any
    """adb-shell's transport of that interface, not opened."""
    forbidden: bool = False
    """Whether this user may not even read its serial number; the socket's name stands for it."""
    port: str = ""
    """The socket of its cable as an adb server names it, such as `usb:1-4.2`."""


def usb_phones() -> list[UsbPhone]:
    """Return the phones plugged in that may be looked at. Raises `PhoneLostError` without libusb.

    Nothing is claimed, so that an adb server started later finds them free.
    """
    library = adb_device.UsbTransport
    if library is None:
        raise PhoneLostError("usb.without_library")
    phones = []
    try:
        for wires in library.find_all_adb_devices():
            serial, port = _serial(wires), _port(wires)
            phones.append(UsbPhone(serial or Serial(port), wires, serial is None, port))
    except usb1.USBError as error:
        raise PhoneLostError("usb.unreadable", reason=reason_of(error)) from None
    return phones


def connect_usb(
    phone: UsbPhone, key: HostKey, authorization_timeout_s: float | None = None
) -> AdbLink:
    """Return a link to the phone, which nobody else can use until it is closed.

    Raises `PhoneLostError` where another program holds it, `PhoneUnauthorizedError` as ever.
    """
    name = f"USB {phone.serial}"
    source = SessionSource(UsbTransport(phone.wires, name), name)
    source.connect(key, authorization_timeout_s)
    return AdbLink(source)


def _serial(wires: Any) -> Serial | None:  # noqa: ANN401 - adb-shell has no types
    try:
        return Serial(wires.serial_number)
    except usb1.USBError:
        return None  # no permission to read it; connecting would fail likewise


def _port(wires: Any) -> str:  # noqa: ANN401 - adb-shell has no types
    bus, *ports = wires.port_path
    return f"usb:{bus}-{'.'.join(map(str, ports))}"


def connect_usb_or_server(phone: UsbPhone, key: HostKey) -> AdbLink:
    """Return a link by USB, else by the adb server of this computer that holds the phone.

    Raises as `connect_usb` does, `PhoneBusyError` where something else holds it.
    """
    try:
        return connect_usb(phone, key)
    except PhoneBusyError:
        found = server_with(phone.serial, phone.port)
        if found is None:
            raise
        server, row = found
        return connect_server(server, phone.serial, row.needed_id)


def connecting(phone: UsbPhone, key: HostKey) -> partial[AdbLink]:
    """Return what connects to the phone, for `FoundPhone`."""
    return partial(connect_usb_or_server, phone, key)
