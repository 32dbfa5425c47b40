"""The worker's inbox: messages in, each with the key that sent it; answers out to the host."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import zmq

from workers.log import log
from workers.network.curve import Admission
from workers.protocol.step_message import is_step
from workers.protocol.wire import Message, Tensor, WireError, decode, encode

_WAIT_MS = 1_000


class Envelope(NamedTuple):
    """A message, who sent it and when it was taken from the socket."""

    sender_key: str
    content: Message | memoryview
    """A step stays as it came, in one frame, until it is taken up."""
    arrived_ns: int
    route: bytes = b""
    """Where an answer goes to."""


class Inbox:
    """The ROUTER socket. What cannot be read or may not be sent is logged and dropped."""

    def __init__(self, socket: zmq.Socket[bytes], admission: Admission) -> None:
        self._socket = socket
        self._socket.rcvtimeo = _WAIT_MS
        self._admission = admission
        self._host_route: bytes | None = None
        self.host_heard_s = time.monotonic()

    def receive(self) -> Envelope | None:
        """Wait for a message; None where none came for a second, or where it was dropped."""
        try:
            frames = [self._socket.recv(copy=False)]
        except zmq.Again:
            return None
        while frames[-1].more:
            frames.append(self._socket.recv(copy=False))
        return self._open(frames)

    def send_to_host(
        self, kind: str, fields: Mapping[str, Any], tensors: Sequence[Tensor] = ()
    ) -> None:
        """Send to where the host last wrote from; logged where it is gone or does not read."""
        if self._host_route is None:
            log(f"{kind} has nowhere to go: the host has not written yet")
            return
        self.send_to(self._host_route, kind, fields, tensors)

    def send_to(
        self, route: bytes, kind: str, fields: Mapping[str, Any], tensors: Sequence[Tensor] = ()
    ) -> None:
        """Send to where a message came from; logged where that is gone or does not read."""
        try:
            self._socket.send_multipart([route, *encode(kind, fields, tensors)], zmq.NOBLOCK)
        except (zmq.Again, zmq.ZMQError) as error:
            log(f"{kind} could not be sent: {error}")

    def close(self, linger_ms: int) -> None:
        """Close, giving the last answer that long to leave."""
        self._socket.close(linger_ms)

    def _open(self, frames: Sequence[zmq.Frame]) -> Envelope | None:
        arrived_ns = time.perf_counter_ns()
        try:
            sender_key = str(frames[-1].get("User-Id"))
            content = _content([frame.buffer for frame in frames[1:]])
        except (WireError, zmq.ZMQError) as error:
            log(f"dropped a malformed message: {error}")
            return None
        if not self._admission.allows(sender_key):
            log("dropped a message from a key that is not admitted")
            return None
        if sender_key == self._admission.host_key:
            self._host_route = frames[0].bytes
            self.host_heard_s = time.monotonic()
        return Envelope(sender_key, content, arrived_ns, frames[0].bytes)


def _content(frames: Sequence[memoryview]) -> Message | memoryview:
    return frames[0] if len(frames) == 1 and is_step(frames[0]) else decode(frames)
