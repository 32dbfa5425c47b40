"""adb-shell's TCP transport, ours: whole sends, no Nagle delay, a dead peer is a lost phone.

adb-shell's own ignores how many bytes a non-blocking `send` took (its issue #205) and answers a
closed connection with endless empty reads.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Final

from adb_shell.transport.base_transport import BaseTransport

from app.core.errors import PhoneLostError, PhoneUnauthorizedError, reason_of
from app.devices.adb.shared_socket import SharedSocket
from app.devices.errors import PhoneBusyError
from app.devices.wireless.start_tls import (
    STLS_PACKET,
    first_secure_bytes,
    is_tls_request,
    receive_up_to,
    start_tls,
)

SILENCE_LIMIT_S: Final = 15.0
"""How long a phone's system may leave bytes, or questions whether it is there, unacknowledged."""
_QUESTIONS: Final = 3
"""How many such questions (TCP keep-alive, RFC 9293 3.8.4) fit into that time."""


class TcpTransport(BaseTransport):  # type: ignore[misc] # adb-shell has no types
    """One connection; after any failure it is closed and stays so until `connect`.

    One thread may read while another writes.
    """

    def __init__(self, host: str, port: int, silence_limit_s: float = SILENCE_LIMIT_S) -> None:
        self._address = (host, port)
        self._silence_limit_s = silence_limit_s
        self._secure: Callable[[], ssl.SSLContext] | None = None
        self._socket: SharedSocket | None = None
        self._begun = False
        self._unread = b""

    def allow_tls(self, context: Callable[[], ssl.SSLContext]) -> None:
        """Let the phone ask for TLS as its first answer; the context is made only then."""
        self._secure = context

    def connect(self, transport_timeout_s: float | None) -> None:
        """Connect. Raises `PhoneLostError`."""
        try:
            connection = socket.create_connection(self._address, timeout=transport_timeout_s)
        except OSError as error:
            raise self._lost(error) from None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._notice_silence(connection)
        self._socket = SharedSocket(connection)
        self._begun, self._unread = False, b""

    def _notice_silence(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            pause_s = max(int(self._silence_limit_s / _QUESTIONS), 1)
            limit_ms = int(self._silence_limit_s * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, pause_s)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, pause_s)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limit_ms)

    def close(self) -> None:
        """Close the connection; a thread that waits on it wakes with `PhoneLostError`."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        """Return 1 to `numbytes` bytes. Raises `PhoneLostError` on silence or at the end.

        Without a timeout it waits for ever. Where the phone asks for TLS, that is agreed on first;
        `PhoneUnauthorizedError` is raised where it does not know this computer, `PhoneBusyError`
        where it hangs up before a word.
        """
        try:
            if self._secure is not None and not self._begun:
                self._unread = self._begin(self._secure, transport_timeout_s)
            taken, self._unread = self._unread[:numbytes], self._unread[numbytes:]
            data = taken or self._open_socket().receive(numbytes, transport_timeout_s)
        except OSError as error:
            self.close()
            raise self._lost(error) from None
        except (PhoneUnauthorizedError, PhoneBusyError):
            self.close()
            raise
        if not data:
            self.close()
            raise PhoneLostError("phone.closed_connection", phone=self._name)
        return data

    def _begin(self, context: Callable[[], ssl.SSLContext], timeout_s: float | None) -> bytes:
        """Return the phone's first bytes, inside TLS where it asks for that."""
        self._begun = True
        connection = self._open_socket().connection
        connection.settimeout(timeout_s)
        first = receive_up_to(connection, len(STLS_PACKET))
        if not first:
            raise self._busy()
        if is_tls_request(first):
            connection = start_tls(connection, context())
            first = first_secure_bytes(connection, self._name)
        self._socket = SharedSocket(connection)
        return first

    def bulk_write(self, data: bytes, transport_timeout_s: float | None) -> int:
        """Send all of the bytes. Raises `PhoneLostError`."""
        connection = self._open_socket()
        try:
            connection.send(data, transport_timeout_s)
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
            return not connection.has_ended()
        except (OSError, ValueError):  # closed by another thread meanwhile
            return False

    @property
    def _name(self) -> str:
        return f"{self._address[0]}:{self._address[1]}"

    def _open_socket(self) -> SharedSocket:
        if self._socket is None:
            raise PhoneLostError("phone.no_longer_connected", phone=self._name)
        return self._socket

    def _busy(self) -> PhoneBusyError:
        return PhoneBusyError("phone.hangs_up", phone=self._name)

    def _lost(self, error: OSError) -> PhoneLostError:
        if isinstance(error, TimeoutError):
            return PhoneLostError("phone.silent_on_network", phone=self._name)
        if isinstance(error, ConnectionRefusedError):
            return PhoneLostError("phone.refused_connection", phone=self._name)
        return PhoneLostError("phone.connection_failed", phone=self._name, reason=reason_of(error))
