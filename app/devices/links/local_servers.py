"""The adb servers that run on this computer, on whatever port their owners gave them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import psutil

from app.core.errors import PhoneLostError
from app.core.identifiers import Serial
from app.devices.adb.adb_rows import DEVICE
from app.devices.adb.adb_server import AdbServer

_PROGRAMS: Final = frozenset({"adb", "adb.exe"})
_ANY_INTERFACE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where others listen


def server_with(serial: Serial) -> AdbServer | None:
    """Return a server of this computer that has the phone, None where none has."""
    for server in _servers():
        try:
            listed = server.devices()
        except PhoneLostError:
            continue
        if any(row.serial == serial and row.state == DEVICE for row in listed):
            return server
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
