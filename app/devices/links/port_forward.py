"""A loopback port of this computer whose connections come out somewhere else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.core.errors import ShardloomError
from app.devices.adb.stream import ByteStream
from app.devices.links.byte_pump import carry, connect_to

MAXIMUM_CONNECTIONS: Final = 64


class PortForward:
    """Listens from the start until `close`; each connection gets a stream of its own.

    Bytes are passed on unread. A connection whose stream cannot be opened is closed at once.
    """

    def __init__(self, open_stream: Callable[[], ByteStream]) -> None:
        """`open_stream` may raise `ShardloomError` or `OSError`."""
        self._open_stream = open_stream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._carried: set[socket.socket] = set()
        self._turn = threading.Lock()
        self._closed = False
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._attend, name="port-forward", daemon=True).start()

    def close(self) -> None:
        """Listen no more and end what goes through."""
        with self._turn:
            self._closed = True
            carried = tuple(self._carried)
        for connection in (self._listener, *carried):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _attend(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if not self._admit(connection):
                    connection.close()
                    continue
                threading.Thread(
                    target=self._serve, args=(connection,), name="tunnel-out", daemon=True
                ).start()

    def _admit(self, connection: socket.socket) -> bool:
        with self._turn:
            if self._closed or len(self._carried) >= MAXIMUM_CONNECTIONS:
                return False
            self._carried.add(connection)
            return True

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            carry(connection, self._open_stream())
        except (ShardloomError, OSError):
            connection.close()
        finally:
            with self._turn:
                self._carried.discard(connection)


class SocketStream:
    """A plain connection as a `ByteStream` that waits for ever; raises `OSError`."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = connect_to(host, port)

    def wait_for_ever(self) -> None:
        """Disable the read timeout, which a forwarded stream never had."""

    def send(self, data: bytes) -> None:
        """Send all of the bytes."""
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """Return the next bytes, at least one; nothing at the end."""
        return self._socket.recv(1 << 16)

    def close(self) -> None:
        """End the connection; a thread that waits on it wakes."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def relay_to(host: str, port: int) -> PortForward:
    """Return a port of this computer that comes out at an address."""
    return PortForward(lambda: SocketStream(host, port))
