"""Connections to next phones, opened once and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import zmq

from workers.curve import CurveKeys, connect_client
from workers.errors import RequestRefusedError

MAXIMUM_LINKS = 16


@dataclass(frozen=True)
class NextHop:
    """Where a transaction's steps go on to: a `tcp://` endpoint and its CURVE key (Z85)."""

    endpoint: str
    key: str


class OutboundLinks:
    """One DEALER per next hop; the one unused for longest gives way to a seventeenth."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], keys: CurveKeys, proxy: str | None
    ) -> None:
        self._context = context
        self._keys = keys
        self._proxy = proxy
        self._sockets: OrderedDict[NextHop, zmq.Socket[bytes]] = OrderedDict()

    def connect(self, hop: NextHop) -> None:
        """Begin connecting, so that the first step finds the handshake done.

        Raises `RequestRefusedError` for an endpoint that is not TCP or a key ZeroMQ cannot use.
        """
        if not hop.endpoint.startswith("tcp://"):
            raise RequestRefusedError(f"next phone {hop.endpoint} is not a tcp:// endpoint")
        try:
            self._socket(hop)
        except (zmq.ZMQError, ValueError):
            raise RequestRefusedError(f"next phone {hop.endpoint} cannot be connected to") from None

    def send(self, hop: NextHop, frames: Sequence[bytes | memoryview]) -> None:
        """Queue a message. Raises `RequestRefusedError` where the phone has stopped reading."""
        try:
            self._socket(hop).send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            raise RequestRefusedError(f"next phone {hop.endpoint} takes no more steps") from None

    def close(self) -> None:
        """Close every connection at once."""
        for socket in self._sockets.values():
            socket.close(0)
        self._sockets.clear()

    def _socket(self, hop: NextHop) -> zmq.Socket[bytes]:
        if hop not in self._sockets:
            if len(self._sockets) >= MAXIMUM_LINKS:
                self._sockets.popitem(last=False)[1].close(0)
            self._sockets[hop] = connect_client(
                self._context, hop.endpoint, hop.key, self._keys, self._proxy
            )
        self._sockets.move_to_end(hop)
        return self._sockets[hop]
