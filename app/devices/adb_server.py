"""A running adb server, local or on another rack host. It is never started nor stopped here."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import adbutils

from app.core.errors import PhoneLostError

ANSWER_TIMEOUT_S: Final = 3.0
USUAL_PORT: Final = 5037


class _Connection(adbutils.AdbConnection):  # type: ignore[misc] # adbutils is untyped here
    def _safe_connect(self) -> socket.socket:
        """Connect, without the library's habit of starting a server where none answers."""
        connection = self._create_socket()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection  # type: ignore[no-any-return]


class AdbServer(adbutils.AdbClient):  # type: ignore[misc] # adbutils is untyped here
    """An adb server known by its address; every connection to it has a timeout."""

    def __init__(self, host: str, port: int, answer_timeout_s: float | None = None) -> None:
        """Give it so long to answer, `ANSWER_TIMEOUT_S` where nothing is given."""
        super().__init__(host, port)
        self._answer_timeout_s = answer_timeout_s

    def make_connection(self, timeout: float | None = None) -> adbutils.AdbConnection:
        """Connect to the server. Raises adbutils' errors and `OSError`."""
        connection = _Connection(self.host, self.port)
        connection.conn.settimeout(timeout or self._answer_timeout_s or ANSWER_TIMEOUT_S)
        return connection

    @property
    def is_local(self) -> bool:
        """Whether it runs on this computer, as far as its address tells."""
        return self.host in {"127.0.0.1", "localhost", "::1"}

    @property
    def name(self) -> str:
        """`adb server` where it is this computer's usual one, else with its address."""
        usual = self.is_local and self.port == USUAL_PORT
        return "adb server" if usual else f"adb server {self.host}:{self.port}"

    def devices(self) -> list[adbutils.AdbDeviceInfo]:
        """Return what `adb devices -l` shows. Raises `PhoneLostError` where no server answers."""
        try:
            return list(self.list(extended=True))
        except (adbutils.AdbError, OSError, EOFError, ValueError) as error:
            raise PhoneLostError(
                f"No adb server answers at {self.host}:{self.port}: start it there with "
                f"`adb start-server`; USB phones are reached only through one ({error})."
            ) from None


@contextmanager
def lost_on_server_failure(what: str) -> Iterator[None]:
    """Turn failures of adbutils into `PhoneLostError`, their reason kept."""
    try:
        yield
    except (adbutils.AdbError, OSError, EOFError, ValueError) as error:
        raise PhoneLostError(f"{what} ({error}).") from None
