"""Passing bytes between a connection of this computer and a stream, unread, both ways."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Final

from app.core.errors import PhoneLostError
from app.devices.adb.stream import ByteStream

CHUNK_BYTES: Final = 1 << 16
"""What is held of one direction at a time; the sender waits meanwhile."""
CONNECT_TIMEOUT_S: Final = 3.0


def connect_loopback(port: int) -> socket.socket:
    """Connect to a port of this computer. Raises `OSError`."""
    return connect_to("127.0.0.1", port)


def connect_to(host: str, port: int) -> socket.socket:
    """Connect, small messages leaving at once. Raises `OSError`."""
    connection = socket.create_connection((host, port), CONNECT_TIMEOUT_S)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def carry(connection: socket.socket, stream: ByteStream) -> None:
    """Pass bytes until either side ends, then close both. Blocks; takes one more thread."""
    inward = threading.Thread(
        target=_fill, args=(connection, stream), name="tunnel-in", daemon=True
    )
    stream.wait_for_ever()
    inward.start()
    with suppress(OSError, PhoneLostError):
        while data := connection.recv(CHUNK_BYTES):
            stream.send(data)
    stream.close()
    inward.join()
    connection.close()


def _fill(connection: socket.socket, stream: ByteStream) -> None:
    with suppress(OSError, PhoneLostError):
        while data := stream.receive():
            connection.sendall(data)
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
