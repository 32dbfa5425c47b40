"""Connections to next phones, opened once and kept."""

from __future__ import annotations

import os
from collections import OrderedDict

import zmq

from workers.errors import RequestRefusedError
from workers.network.curve import CurveKeys, client_socket, connect_client, has_message
from workers.protocol.commands import NextHop

MAXIMUM_LINKS = 16


class _Link:
    """A connection that knows when the other side has turned it away.

    ZeroMQ never tries again after a refusal by ZAP, and would drop what is sent without a word.
    """

    def __init__(self, socket: zmq.Socket[bytes], endpoint: str) -> None:
        """Connect, listening first: a refusal may come before `connect` has returned."""
        self._socket = socket
        self._refusals = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
        try:
            socket.connect(endpoint)
        except zmq.ZMQError:
            self.close()
            raise

    @property
    def refused(self) -> bool:
        """Whether the connection was refused and will carry nothing any more."""
        return has_message(self._refusals)

    def send(self, frame: bytes) -> None:
        """Queue a message and let ZeroMQ's own thread at it, which may share the one core."""
        self._socket.send(frame, zmq.NOBLOCK)
        os.sched_yield()

    def close(self) -> None:
        self._socket.disable_monitor()
        self._socket.close(0)


class OutboundLinks:
    """One link per next hop; the one unused for longest gives way to a seventeenth.

    A worker that is its own next hop reaches itself past any proxy, and so it does its outlets.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        keys: CurveKeys,
        proxy: str | None,
        most: int = MAXIMUM_LINKS,
        own: set[str] | None = None,
    ) -> None:
        """`most` connections are kept; `own` endpoints are reached past the proxy."""
        self._context = context
        self._most = most
        self._keys = keys
        self._proxy = proxy
        self._links: OrderedDict[NextHop, _Link] = OrderedDict()
        self.own: set[str] = set() if own is None else own
        """Endpoints of this phone, reached past any proxy."""

    def pass_no_proxy_to(self, port: int) -> str:
        """Reach a loopback port of this phone past any proxy from now on; return its endpoint."""
        endpoint = f"tcp://127.0.0.1:{port}"
        self.own.add(endpoint)
        return endpoint

    def connect(self, hop: NextHop) -> None:
        """Begin connecting, so that the first step finds the handshake done.

        A link that was refused before is tried anew. Raises `RequestRefusedError` for an endpoint
        that is not TCP or a key ZeroMQ cannot use.
        """
        if not hop.endpoint.startswith("tcp://"):
            raise RequestRefusedError("hop.odd_endpoint", endpoint=hop.endpoint)
        known = self._links.get(hop)
        if known is not None and known.refused:
            self._drop(hop)
        try:
            self._link(hop)
        except (zmq.ZMQError, ValueError):
            raise _unusable(hop) from None

    def dial(self, hop: NextHop) -> zmq.Socket[bytes]:
        """Return a connection of the caller's own, to ask and to be answered on.

        Raises `RequestRefusedError` for an endpoint that is not TCP or a key ZeroMQ cannot use.
        """
        if not hop.endpoint.startswith("tcp://"):
            raise _unusable(hop)
        try:
            return connect_client(
                self._context, hop.endpoint, hop.key, self._keys, self._proxy_towards(hop)
            )
        except (zmq.ZMQError, ValueError):
            raise _unusable(hop) from None

    def send(self, hop: NextHop, frame: bytes) -> None:
        """Queue a message.

        Raises `RequestRefusedError` where the phone has turned this one away or stopped reading.
        """
        link = self._link(hop)
        try:
            link.send(frame)
        except zmq.Again:
            self._require_admitted(hop, link)
            raise RequestRefusedError("hop.full", endpoint=hop.endpoint) from None
        self._require_admitted(hop, link)

    def close(self) -> None:
        """Close every connection at once."""
        for link in self._links.values():
            link.close()
        self._links.clear()

    def _link(self, hop: NextHop) -> _Link:
        link = self._links.get(hop)
        if link is None:
            if len(self._links) >= self._most:
                self._links.popitem(last=False)[1].close()
            socket = client_socket(self._context, hop.key, self._keys, self._proxy_towards(hop))
            link = self._links[hop] = _Link(socket, hop.endpoint)
        self._links.move_to_end(hop)
        return link

    def _proxy_towards(self, hop: NextHop) -> str | None:
        own = hop.key == self._keys.public_key or hop.endpoint in self.own
        return None if own else self._proxy

    def _require_admitted(self, hop: NextHop, link: _Link) -> None:
        if link.refused:
            self._drop(hop)
            raise RequestRefusedError("hop.admits_us_not", endpoint=hop.endpoint)

    def _drop(self, hop: NextHop) -> None:
        self._links.pop(hop).close()


def _unusable(hop: NextHop) -> RequestRefusedError:
    return RequestRefusedError("hop.unusable", endpoint=hop.endpoint)
