"""The way to a worker over ZeroMQ: a DEALER socket for messages, a SUB socket for its pulse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import zmq
import zmq.asyncio

from app.pipeline.ports import PortClosedError, Received
from app.pipeline.worker_client import WorkerAddress

_RECONNECT_MAXIMUM_MS = 1000
_MAXIMUM_FRAME_BYTES = 64 << 20
"""No worker sends a larger one: a piece of a transcript has that many bytes at most."""
_MAXIMUM_PULSE_BYTES = 64 << 10
_NO_LIMIT = 0
"""libzmq (4.3.5) aborts this process where a connection breaks while as many messages wait as it
may keep and the other end's heartbeat is among them, as after a computer slept. So it may keep all,
and who reads ends a flood."""


@dataclass(frozen=True)
class HostKeys:
    """The host's CURVE key pair, Z85 text."""

    public: str
    secret: str


class ZmqPort:
    """A `WorkerPort`. CURVE proves who holds the other end; the sockets connect by themselves."""

    def __init__(
        self, context: zmq.asyncio.Context, address: WorkerAddress, keys: HostKeys
    ) -> None:
        self._context = context
        self._keys = keys
        self._worker_key = address.public_key
        self._inbox = self._connect(zmq.DEALER, address.inbox, _MAXIMUM_FRAME_BYTES)
        self._pulse = self._connect(zmq.SUB, address.pulse, _MAXIMUM_PULSE_BYTES)
        self._pulse.subscribe(b"")
        self._monitor = self._inbox.get_monitor_socket(zmq.EVENT_DISCONNECTED)

    def _connect(self, kind: int, endpoint: str, maximum_bytes: int) -> zmq.asyncio.Socket:
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.MAXMSGSIZE, maximum_bytes)
        socket.setsockopt(zmq.RCVHWM, _NO_LIMIT)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, _RECONNECT_MAXIMUM_MS)
        socket.curve_publickey = self._keys.public.encode()
        socket.curve_secretkey = self._keys.secret.encode()
        socket.curve_serverkey = self._worker_key.encode()
        socket.connect(endpoint)
        return socket

    async def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send a message. Raises `PortClosedError` where the socket does not take it."""
        try:
            await self._inbox.send_multipart(frames)
        except zmq.ZMQError as error:
            raise PortClosedError(str(error)) from error

    async def receive(self) -> Received:
        """Wait for a message from the worker's inbox."""
        return await _received(self._inbox)

    async def heartbeat(self) -> Received:
        """Wait for the frames of a heartbeat."""
        return await _received(self._pulse)

    async def disconnected(self) -> None:
        """Return once the connection has broken since this was last asked."""
        await self._monitor.recv_multipart()

    def close(self) -> None:
        """Let go of the connection."""
        if self._inbox.closed:
            return
        self._inbox.disable_monitor()
        for socket in (self._inbox, self._pulse):
            socket.close(linger=0)


async def _received(socket: zmq.asyncio.Socket) -> Received:
    frames = await socket.recv_multipart()
    events = cast(int, socket.get(zmq.EVENTS))
    return Received(frames, more_waits=bool(events & zmq.POLLIN))
