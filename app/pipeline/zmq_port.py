"""The way to a worker over ZeroMQ: a DEALER socket for messages, a SUB socket for its pulse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import zmq
import zmq.asyncio

from app.pipeline.ports import PortClosedError
from app.pipeline.worker_client import WorkerAddress

_RECONNECT_MAXIMUM_MS = 1000
_MAXIMUM_FRAME_BYTES = 64 << 20
"""No worker sends a larger one: a piece of a transcript has that many bytes at most."""
_MAXIMUM_PULSE_BYTES = 64 << 10
_NO_LIMIT = 0
"""libzmq (4.3.5) aborts this process where a connection breaks while as many messages wait as it
may keep and the other end's heartbeat is among them, as after a computer slept. So it may keep all,
and `_Backlog` ends a flood."""
_MOST_WAITING = 10_000
_MOST_WAITING_BYTES = 1 << 30
"""What may come from a worker without its socket once running dry; a loop that stood still for
seconds finds a few hundred messages."""


@dataclass(frozen=True)
class HostKeys:
    """The host's CURVE key pair, Z85 text."""

    public: str
    secret: str


class _Backlog:
    """Counts what came through a socket since nothing waited at it."""

    def __init__(self) -> None:
        self._messages = self._bytes = 0

    def take(self, frames: Sequence[bytes], *, more_waits: bool) -> None:
        """Count a message. Raises `PortClosedError` where more came than anybody was asked for."""
        if not more_waits:
            self._messages = self._bytes = 0
            return
        self._messages += 1
        self._bytes += sum(map(len, frames))
        if self._messages > _MOST_WAITING or self._bytes > _MOST_WAITING_BYTES:
            raise PortClosedError("flooded")


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
        self._backlogs = {self._inbox: _Backlog(), self._pulse: _Backlog()}
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

    async def receive(self) -> Sequence[bytes]:
        """Wait for a message from the worker's inbox.

        Raises `PortClosedError` where so many wait that it can only be a flood.
        """
        return await self._take(self._inbox)

    async def heartbeat(self) -> Sequence[bytes]:
        """Wait for the frames of a heartbeat. Raises `PortClosedError` as `receive` does."""
        return await self._take(self._pulse)

    async def _take(self, socket: zmq.asyncio.Socket) -> Sequence[bytes]:
        frames = await socket.recv_multipart()
        try:
            more_waits = bool(cast(int, socket.get(zmq.EVENTS)) & zmq.POLLIN)
            self._backlogs[socket].take(frames, more_waits=more_waits)
        except PortClosedError:
            self.close()
            raise
        return frames

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
