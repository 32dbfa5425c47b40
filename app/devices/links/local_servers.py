"""The adb servers that run on this computer, on whatever port their owners gave them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import psutil

from app.core.errors import PhoneLostError
from app.core.identifiers import Serial
from app.devices.adb.adb_rows import DEVICE, ListedPhone
from app.devices.adb.adb_server import AdbServer

_PROGRAMS: Final = frozenset({"adb", "adb.exe"})
_ANY_INTERFACE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where others listen


def server_with(serial: Serial, port: str = "") -> tuple[AdbServer, ListedPhone] | None:
    """Return a server of this computer that has the phone, and its row; None where none has.

    Of several phones with that serial number it is the one on that socket, such as `usb:1-4.2`.
    """
    for server in _servers():
        try:
            listed = server.devices()
        except PhoneLostError:
            continue
        rows = [row for row in listed if row.serial == serial and row.state == DEVICE]
        there = [row for row in rows if port and row.port == port]
        for row in there or (each for each in rows if each.is_alone):
            return server, row
    return None


def _servers() -> Iterator[AdbServer]:
    for process in psutil.process_iter(["name"]):
        if process.info["name"] not in _PROGRAMS:
            continue
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:
            continue  # another user's, or ended meanwhile
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN:
                host, port = connection.laddr
                yield AdbServer(_ANY_INTERFACE.get(host, host), port)
