"""An echo on loopback, and pushing bytes through a tunnel to it and back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TIMEOUT_S = 60.0


@contextmanager
def echo() -> Iterator[int]:
    """Yield the port of a server that sends back what it receives."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_attend, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def sent_and_back(port: int, payload: bytes) -> bytes:
    """Return what comes back through a port for a payload, sent while it is received."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as client:
        sender = threading.Thread(target=client.sendall, args=(payload,), daemon=True)
        sender.start()
        received = bytearray()
        while len(received) < len(payload) and (data := client.recv(1 << 16)):
            received += data
        sender.join(TIMEOUT_S)
        return bytes(received)


def ends_at_once(port: int) -> bool:
    """Tell whether a connection to that port is refused, or ended before it says anything."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as client:
            return client.recv(1) == b""
    except (ConnectionRefusedError, ConnectionResetError):
        return True


def _attend(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _serve(connection: socket.socket) -> None:
    with connection, suppress(OSError):
        while data := connection.recv(1 << 16):
            connection.sendall(data)
