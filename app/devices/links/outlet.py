"""Fetching what connects to an outlet of a phone: one stream of ours is always waiting there.

`workers.network.outlets` is the phone's side. It takes nothing but streams into the phone, which
every way of carrying ADB has, whichever computer holds the phone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.core.errors import ShardloomError
from app.devices.adb.stream import ByteStream
from app.devices.back_off import BackOff
from app.devices.links.byte_pump import carry, connect_loopback
from workers.network.outlets import MAXIMUM_CONNECTIONS

RETRY_TICK_S: Final = 0.1
MAXIMUM_PAUSE_S: Final = 5.0
"""The longer a phone cannot be reached, the more seldom it is tried."""
_log = logging.getLogger("shardloom.devices")


class OutletCarrier:
    """Leads an outlet's connections to a port of this computer's loopback until `close`.

    A stream that ends before anybody took it is replaced, for as long as it takes; none is left
    waiting while as many as a phone may have are in use.
    """

    def __init__(
        self, open_stream: Callable[[], ByteStream], secret: bytes, host_port: int
    ) -> None:
        """`open_stream` leads to the outlet's intake; may raise `ShardloomError` or `OSError`."""
        self._open_stream = open_stream
        self._secret = secret
        self._host_port = host_port
        self._streams: set[ByteStream] = set()
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._told = False
        threading.Thread(target=self._attend, name="outlet", daemon=True).start()

    def close(self) -> None:
        """Fetch nothing more and end what goes through."""
        with self._turn:
            self._closing.set()
            streams = tuple(self._streams)
        for stream in streams:
            stream.close()

    def _attend(self) -> None:
        back_off = BackOff(MAXIMUM_PAUSE_S)
        while not self._closing.is_set():
            if back_off.is_due and self._has_room():
                if self._offer():
                    back_off.succeeded()
                    continue
                back_off.failed()
            self._closing.wait(RETRY_TICK_S)

    def _has_room(self) -> bool:
        with self._turn:
            in_use = len(self._streams)
        if in_use < MAXIMUM_CONNECTIONS:
            return True
        if not self._told:
            _log.warning("a phone has %d streams out of it in use: it gets no more", in_use)
        self._told = True
        return False

    def _offer(self) -> bool:
        """Leave a stream waiting in the phone; tell whether a connection took it."""
        try:
            stream = self._open_stream()
        except (ShardloomError, OSError):
            return False
        if not self._admit(stream):
            stream.close()
            return False
        first = self._first_bytes(stream)
        if not first:
            self._let_go(stream)
            return False
        threading.Thread(
            target=self._serve, args=(stream, first), name="tunnel-out", daemon=True
        ).start()
        return True

    def _admit(self, stream: ByteStream) -> bool:
        with self._turn:
            if self._closing.is_set():
                return False
            self._streams.add(stream)
            return True

    def _first_bytes(self, stream: ByteStream) -> bytes:
        """Wait until a connection took the stream and spoke; nothing where the stream ended."""
        with suppress(ShardloomError, OSError):
            stream.wait_for_ever()
            stream.send(self._secret)
            return stream.receive()
        return b""

    def _serve(self, stream: ByteStream, first: bytes) -> None:
        with suppress(OSError), connect_loopback(self._host_port) as connection:
            connection.sendall(first)
            carry(connection, stream)
        self._let_go(stream)

    def _let_go(self, stream: ByteStream) -> None:
        stream.close()
        with self._turn:
            self._streams.discard(stream)
