"""A running adb server, local or on another rack host. It is never started nor stopped here."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import adbutils

from app.core.errors import BadInputError, PhoneLostError, reason_of
from app.core.facts import FieldValue
from app.devices.adb.adb_rows import ListedPhone, read_rows
from app.devices.errors import NoServerError

ANSWER_TIMEOUT_S: Final = 3.0
LOOPBACK: Final = "127.0.0.1"
USUAL_PORT: Final = 5037
_PORTS: Final = 65536
LENGTH_DIGITS: Final = 4
STATUS_BYTES: Final = 4
_SHOWN_BYTES: Final = 24


def local_server(environment: Mapping[str, str] = os.environ) -> tuple[str, int]:
    """Return host and port of the server that Google's `adb` would use here.

    As adb does: `ADB_SERVER_SOCKET` comes first, then `ANDROID_ADB_SERVER_ADDRESS` and `_PORT`.
    Raises `BadInputError` where a variable says what cannot be used.
    """
    told = environment.get("ADB_SERVER_SOCKET")
    if told:
        kind, _, address = told.partition(":")
        host, _, number = address.rpartition(":")
        if kind != "tcp":
            raise BadInputError("adb_server.odd_socket_variable", value=told)
        return host.strip("[]") or LOOPBACK, _port("ADB_SERVER_SOCKET", number)
    host = environment.get("ANDROID_ADB_SERVER_ADDRESS") or LOOPBACK
    variable = "ANDROID_ADB_SERVER_PORT"
    return host, _port(variable, environment.get(variable) or str(USUAL_PORT))


def _port(variable: str, number: str) -> int:
    if not (number.isascii() and number.isdecimal() and 0 < int(number) < _PORTS):
        raise BadInputError(
            "adb_server.odd_port_variable", variable=variable, value=number, limit=_PORTS
        )
    return int(number)


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
        connection.conn.settimeout(timeout or self._timeout_s)
        return connection

    @property
    def is_local(self) -> bool:
        """Whether it runs on this computer, as far as its address tells."""
        return self.host in {LOOPBACK, "localhost", "::1"}

    @property
    def name(self) -> str:
        """`adb server` where it is this computer's usual one, else with its address."""
        usual = self.is_local and self.port == USUAL_PORT
        return "adb server" if usual else f"adb server {self.address}"

    @property
    def address(self) -> str:
        """`HOST:PORT`, an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def devices(self) -> list[ListedPhone]:
        """Return what `adb devices -l` shows.

        Raises `NoServerError` where nothing listens, `PhoneLostError` where what listens says
        nothing, or nothing that an adb server would say; the message tells which, and what to do.
        """
        with self._asked("host:devices-l") as connection:
            deadline_s = time.monotonic() + self._timeout_s
            status = _read(connection, STATUS_BYTES, deadline_s)
            if status not in {b"OKAY", b"FAIL"}:
                raise self._another_program(status)
            length = _read(connection, LENGTH_DIGITS, deadline_s)
            try:
                text = _read(connection, int(length, 16), deadline_s).decode(errors="replace")
            except ValueError:
                raise self._another_program(status + length) from None
        if status == b"FAIL":
            raise PhoneLostError("adb_server.lists_nothing", address=self.address, reason=text)
        return read_rows(text)

    @property
    def _timeout_s(self) -> float:
        return self._answer_timeout_s or ANSWER_TIMEOUT_S

    @contextmanager
    def _asked(self, request: str) -> Iterator[socket.socket]:
        """Yield a connection on which it was asked; failures in the block say what is there."""
        try:
            connection = self.make_connection()
        except adbutils.AdbTimeout:
            raise PhoneLostError("adb_server.host_silent", address=self.address) from None
        except (adbutils.AdbError, OSError) as error:
            reason = reason_of(error.__context__ or error)
            raise NoServerError("adb_server.absent", address=self.address, reason=reason) from None
        with connection:
            try:
                connection.send_command(request)
                yield connection.conn
            except TimeoutError:
                raise PhoneLostError(
                    "adb_server.hangs", address=self.address, time_s=self._timeout_s
                ) from None
            except OSError as error:
                raise self._another_program(b"") from error

    def _another_program(self, said: bytes) -> PhoneLostError:
        if not said:
            return PhoneLostError("adb_server.other_program_hangs_up", address=self.address)
        shown = repr(said[:_SHOWN_BYTES])
        return PhoneLostError("adb_server.other_program", address=self.address, said=shown)


def _read(connection: socket.socket, count: int, deadline_s: float) -> bytes:
    """Return so many bytes, fewer where it hangs up. Raises `TimeoutError` at the deadline."""
    content = b""
    while len(content) < count:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        more = connection.recv(count - len(content))
        if not more:
            break
        content += more
    return content


@contextmanager
def lost_on_server_failure(code: str, **fields: FieldValue) -> Iterator[None]:
    """Turn failures of adbutils into `PhoneLostError` of that code, with their reason."""
    try:
        yield
    except (adbutils.AdbError, OSError, EOFError, ValueError) as error:
        raise PhoneLostError(code, reason=reason_of(error), **fields) from None
