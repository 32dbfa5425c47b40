"""adb-shell's TCP transport, ours: whole sends, no Nagle delay, a dead peer is a lost phone.

adb-shell's own ignores how many bytes a non-blocking `send` took (its issue #205) and answers a
closed connection with endless empty reads.
"""

from __future__ import annotations

import select
import socket
from typing import Final

from adb_shell.transport.base_transport import BaseTransport

from app.core.errors import PhoneLostError

KEEPALIVE_IDLE_S: Final = 5
UNACKNOWLEDGED_LIMIT_MS: Final = 15_000


class TcpTransport(BaseTransport):  # type: ignore[misc] # adb-shell has no types
    """One connection; after any failure it is closed and stays so until `connect`."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def connect(self, transport_timeout_s: float | None) -> None:
        """Connect. Raises `PhoneLostError`."""
        try:
            connection = socket.create_connection(self._address, timeout=transport_timeout_s)
        except OSError as error:
            raise self._lost(error) from None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
            connection.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_LIMIT_MS
            )
        self._socket = connection

    def close(self) -> None:
        """Close the connection; a thread that waits on it wakes with `PhoneLostError`."""
        connection, self._socket = self._socket, None
        if connection is None:
            return
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the peer was quicker
        finally:
            connection.close()

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        """Return 1 to `numbytes` bytes. Raises `PhoneLostError` on silence or at the end."""
        connection = self._open_socket()
        try:
            connection.settimeout(transport_timeout_s)
            data = connection.recv(numbytes)
        except OSError as error:
            self.close()
            raise self._lost(error) from None
        if not data:
            self.close()
            raise PhoneLostError(f"{self._name} closed the connection.")
        return data

    def bulk_write(self, data: bytes, transport_timeout_s: float | None) -> int:
        """Send all of the bytes. Raises `PhoneLostError`."""
        connection = self._open_socket()
        try:
            connection.settimeout(transport_timeout_s)
            connection.sendall(data)
        except OSError as error:
            self.close()
            raise self._lost(error) from None
        return len(data)

    def is_connected(self) -> bool:
        """Tell, without waiting, whether the peer still holds the connection."""
        connection = self._socket
        if connection is None:
            return False
        try:
            return not _has_ended(connection)
        except OSError:
            return False

    @property
    def _name(self) -> str:
        return f"{self._address[0]}:{self._address[1]}"

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise PhoneLostError(f"{self._name} is no longer connected.")
        return self._socket

    def _lost(self, error: OSError) -> PhoneLostError:
        if isinstance(error, TimeoutError):
            return PhoneLostError(f"{self._name} does not answer.")
        return PhoneLostError(f"{self._name}: {error.strerror or error}.")


def _has_ended(connection: socket.socket) -> bool:
    """Tell whether the peer closed; unread bytes hide that where the system has no POLLRDHUP."""
    if hasattr(select, "POLLRDHUP"):
        poll = select.poll()
        poll.register(connection, select.POLLRDHUP)
        return bool(poll.poll(0))
    connection.settimeout(0)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
