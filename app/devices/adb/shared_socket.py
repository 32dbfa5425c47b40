"""A connection that one thread reads while another writes, and any may close."""

from __future__ import annotations

import errno
import math
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_NOT_YET: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class SharedSocket:
    """Takes over a plain or TLS connection; everything raises `OSError`, silence `TimeoutError`.

    A TLS session is used by one thread at a time, and nobody waits while it holds it. The
    descriptor is given back once its last user has left: another connection may get its number.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._users = 0
        self._closed = False

    @property
    def connection(self) -> socket.socket:
        """The connection itself, for whoever has it alone."""
        return self._connection

    def receive(self, size_bytes: int, timeout_s: float | None) -> bytes:
        """Return 1 to `size_bytes` bytes, nothing at the end."""
        deadline_s = _deadline_s(timeout_s)
        with self._used() as connection:
            while True:
                try:
                    with self._turn:
                        return connection.recv(size_bytes)
                except _NOT_YET:
                    _wait(connection, deadline_s, writable=False)

    def send(self, data: bytes, timeout_s: float | None) -> None:
        """Send all of the bytes."""
        deadline_s, rest = _deadline_s(timeout_s), memoryview(data)
        with self._used() as connection:
            while rest:
                try:
                    with self._turn:
                        rest = rest[connection.send(rest) :]
                except _NOT_YET:
                    _wait(connection, deadline_s, writable=True)

    def has_ended(self) -> bool:
        """Tell whether the peer closed; unread bytes hide that where there is no POLLRDHUP."""
        with self._used() as connection:
            if hasattr(select, "POLLRDHUP"):
                poll = select.poll()
                poll.register(connection, select.POLLRDHUP)
                return bool(poll.poll(0))
            try:
                return connection.recv(1, socket.MSG_PEEK) == b""
            except BlockingIOError:
                return False

    def close(self) -> None:
        """End the connection; threads that wait on it wake."""
        with self._counting:
            if self._closed:
                return
            self._closed = True
            with suppress(OSError):  # the peer was quicker
                self._connection.shutdown(socket.SHUT_RDWR)
            self._give_back()

    @contextmanager
    def _used(self) -> Iterator[socket.socket]:
        with self._counting:
            if self._closed:
                raise OSError(errno.EBADF, "closed")
            self._users += 1
        try:
            yield self._connection
        finally:
            with self._counting:
                self._users -= 1
                self._give_back()

    def _give_back(self) -> None:
        if self._closed and not self._users:
            self._connection.close()


def _deadline_s(timeout_s: float | None) -> float | None:
    return None if timeout_s is None else time.monotonic() + timeout_s


def _wait(connection: socket.socket, deadline_s: float | None, *, writable: bool) -> None:
    """Wait until the connection may be used. Raises `TimeoutError`."""
    left_s = None if deadline_s is None else deadline_s - time.monotonic()
    if left_s is not None and left_s <= 0:
        raise TimeoutError
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(connection, select.POLLOUT if writable else select.POLLIN)
        poll.poll(None if left_s is None else math.ceil(left_s * 1000))
        return
    readers, writers = ([], [connection]) if writable else ([connection], [])
    select.select(readers, writers, [], left_s)
