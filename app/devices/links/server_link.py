"""Phones behind a running adb server, however the server itself reaches them."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Final

import adbutils

from app.core.errors import PhoneLostError
from app.devices.adb.adb_server import STATUS_BYTES, AdbServer, lost_on_server_failure
from app.devices.adb.reverse_service import listed_ports
from app.devices.adb.stream import ByteStream
from app.devices.errors import PhoneRefusedError
from app.devices.links.adb_link import AdbLink

_TRIES: Final = 2
"""How often a server is asked for a phone; nothing has begun on the phone by then."""
_ACCEPTED: Final = b"OKAY"


class ServerSource:
    """A phone as an adb server lists it (see `StreamSource`)."""

    def __init__(self, server: AdbServer, listed_serial: str, transport_id: str = "") -> None:
        """Choose it by the server's number for its connection where the serial will not do."""
        self._server = server
        self._serial = listed_serial
        self._choice = f"transport-id:{transport_id}" if transport_id else ""
        self._forwarded: dict[int, int] = {}
        self._closed = False

    @property
    def transport(self) -> str:
        """`adb server`, with its address where it is another machine's."""
        return self._server.name

    def open(self, service: str, timeout_s: float) -> ByteStream:
        """Open an ADB service. Raises `PhoneLostError` with the server's reason.

        A service is asked for once: whether the phone began with it cannot be known.
        """
        if self._closed:
            raise PhoneLostError("phone.no_longer_connected", phone=self._serial)
        with lost_on_server_failure("phone.gone", phone=self._serial):
            connection = self._connect_patiently(timeout_s)
            connection.conn.settimeout(timeout_s)
            try:
                _ask(connection, service)
            except BaseException:
                connection.close()
                raise
        return ServiceSocket(connection.conn, self._serial)

    @property
    def holder(self) -> str:
        """The server's address where it runs on another computer."""
        return "" if self._server.is_local else f"{self._server.host}:{self._server.port}"

    @property
    def keeps_tunnels(self) -> bool:
        """Yes: the server keeps the phone."""
        return True

    def forward_there(self, phone_port: int) -> int:
        """Return a loopback port of the server's computer that comes out at the phone's."""
        if phone_port not in self._forwarded:
            answer = self._ask_server(f"forward:tcp:0;tcp:{phone_port}")
            if not answer.isdecimal():
                raise PhoneLostError(
                    "adb_server.forwards_no_port", server=self.transport, reason=answer
                )
            self._forwarded[phone_port] = int(answer)
        return self._forwarded[phone_port]

    def mend_forwards(self) -> int:
        """Forward the same ports again that the server does not forward any more."""
        if not self._forwarded:
            return 0
        standing = self._standing_forwards()
        missing = {to: port for to, port in self._forwarded.items() if standing.get(port) != to}
        for phone_port, port in missing.items():
            del self._forwarded[phone_port]
            self._forward_again(port, phone_port)
            self._forwarded[phone_port] = port
        return len(missing)

    def expect(self, host_port: int) -> None:
        """Do nothing: the server itself remembers what the phone may connect to."""

    def close(self) -> None:
        """Let go of the phone; the server keeps it, but not what it forwarded for us."""
        self._closed = True
        for port in self._forwarded.values():
            with suppress(PhoneLostError):
                self._ask_server(f"killforward:tcp:{port}", answers=False)
        self._forwarded.clear()

    def _connect_patiently(self, timeout_s: float) -> adbutils.AdbConnection:
        """Ask a server that was silent, or hung up, once more: it had only to look in its list."""
        for _ in range(_TRIES - 1):
            with suppress(adbutils.AdbTimeout, EOFError, ConnectionResetError):
                return self._connect(timeout_s / _TRIES)
        return self._connect(timeout_s / _TRIES)

    def _connect(self, timeout_s: float) -> adbutils.AdbConnection:
        """Return a connection to the server that leads to the phone from now on."""
        connection = self._server.make_connection(timeout_s)
        try:
            _ask(connection, f"host:{self._choice or f'transport:{self._serial}'}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _standing_forwards(self) -> dict[int, int]:
        """Return the server's ports that lead to this phone, and to which of its ports.

        Where others have its serial number too, it may be theirs: the server does not tell.
        """
        with (
            lost_on_server_failure("adb_server.forwards_untold", server=self.transport),
            self._server.make_connection() as connection,
        ):
            _ask(connection, "host:list-forward")
            lines = connection.read_string_block().splitlines()
        return listed_ports("\n".join(line for line in lines if self._may_be_ours(line)))

    def _may_be_ours(self, forward: str) -> bool:
        """Tell whether a row of a serial number, which may hold blanks, and two ends is ours."""
        return bool(self._choice) or forward.rsplit(maxsplit=2)[0].strip() == self._serial

    def _forward_again(self, port: int, phone_port: int) -> None:
        try:
            self._ask_server(f"forward:norebind:tcp:{port};tcp:{phone_port}", answers=False)
        except PhoneLostError as error:
            raise PhoneRefusedError(
                "adb_server.port_taken", server=self.transport, port=port, reason=error.fact
            ) from None

    def _ask_server(self, request: str, *, answers: bool = True) -> str:
        """Ask the server itself about this phone; return what it says after its two OKAYs."""
        with (
            lost_on_server_failure("adb_server.disobeys", server=self.transport),
            self._server.make_connection() as connection,
        ):
            chosen = f"host-{self._choice or f'serial:{self._serial}'}"
            connection.send_command(f"{chosen}:{request}")
            connection.check_okay()
            connection.check_okay()
            return str(connection.read_string_block()) if answers else ""


class ServiceSocket:
    """One open service as a socket to the server (see `ByteStream`)."""

    def __init__(self, connection: socket.socket, serial: str) -> None:
        self._socket = connection
        self._serial = serial

    def send(self, data: bytes) -> None:
        """Send all of the bytes."""
        with lost_on_server_failure("phone.gone", phone=self._serial):
            self._socket.sendall(data)

    def receive(self) -> bytes:
        """Return the next bytes, at least one; nothing at the end."""
        with lost_on_server_failure("phone.gone", phone=self._serial):
            return self._socket.recv(1 << 16)

    def wait_for_ever(self) -> None:
        """Disable the read timeout: a stream that is silent from now on is not lost."""
        self._socket.settimeout(None)

    def close(self) -> None:
        """Let go of the service; a thread that waits on it wakes."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _ask(connection: adbutils.AdbConnection, request: str) -> None:
    connection.send_command(request)
    if connection.read_exact(STATUS_BYTES) != _ACCEPTED:
        raise adbutils.AdbError(connection.read_string_block())


def connect_server(server: AdbServer, listed_serial: str, transport_id: str = "") -> AdbLink:
    """Return a link to a phone that the server lists."""
    return AdbLink(ServerSource(server, listed_serial, transport_id))
