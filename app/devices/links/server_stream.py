"""An adb server's own news: its `track-devices` stream, read by a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import adbutils

from app.devices.adb.adb_server import AdbServer
from app.devices.back_off import BackOff

_RETRY_TICK_S: Final = 0.1


class ServerStream:
    """Calls `changed` whenever the server's list changes, and when the server comes or goes."""

    def __init__(self, server: AdbServer, changed: Callable[[], None]) -> None:
        self._server = server
        self._changed = changed
        self._closing = threading.Event()
        self._connection: socket.socket | None = None
        self._back_off = BackOff()
        self._thread = threading.Thread(target=self._run, name="track-devices", daemon=True)
        self.is_open = False
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        self._closing.set()
        connection = self._connection
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._back_off.is_due:
                with suppress(adbutils.AdbError, OSError, EOFError, ValueError):
                    self._follow()
                if self.is_open:
                    self.is_open = False
                    self._changed()
                self._back_off.failed()
            self._closing.wait(_RETRY_TICK_S)

    def _follow(self) -> None:
        with self._server.make_connection() as stream:
            self._connection = stream.conn
            stream.send_command("host:track-devices")
            stream.check_okay()
            stream.conn.settimeout(None)
            while not self._closing.is_set():
                stream.read_string_block()
                self.is_open = True
                self._back_off.succeeded()
                self._changed()
