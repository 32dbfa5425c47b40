"""The worker's inbox: messages in, each with the key that sent it; answers out to the host."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import zmq

from workers.errors import WireError
from workers.log import log
from workers.network.curve import Admission
from workers.network.dropped import DroppedMessages
from workers.protocol.between_phones.replica_messages import PeerMessage
from workers.protocol.codec import Asked, BadCommandError, encode, read_incoming
from workers.protocol.message import Message
from workers.protocol.step_message import is_step

_WAIT_MS = 1_000
_NOBODY = "a stranger"
_OURS = "this worker"


@dataclass(frozen=True)
class Misread:
    """A command that cannot be read, and the number under which its sender may be told."""

    call: int
    error: BadCommandError


class Envelope(NamedTuple):
    """A message, who sent it and when it was taken from the socket."""

    sender_key: str
    content: Asked | Misread | PeerMessage | memoryview
    """A step stays as it came, in one frame, until it is taken up."""
    arrived_ns: int
    route: bytes = b""
    """Where an answer goes to."""
    idle_ns: int = 0
    """How long the worker had nothing to do before that."""


class Inbox:
    """The ROUTER socket. What cannot be read or may not be sent is counted and dropped."""

    def __init__(self, socket: zmq.Socket[bytes], admission: Admission) -> None:
        self._socket = socket
        self._socket.rcvtimeo = _WAIT_MS
        self._admission = admission
        self._host_route: bytes | None = None
        self.dropped = DroppedMessages()
        self.host_heard_s = time.monotonic()
        self._free_ns: int | None = None

    def receive(self) -> Envelope | None:
        """Wait for a message; None where none came for a second, or where it was dropped."""
        if self._free_ns is None:
            self._free_ns = time.perf_counter_ns()
        try:
            frames = [self._socket.recv(copy=False)]
        except zmq.Again:
            return None
        while frames[-1].more:
            frames.append(self._socket.recv(copy=False))
        return self._open(frames)

    def send_to_host(self, message: Message, call: int | None = None) -> None:
        """Send to where the host last wrote from; logged where it is gone or does not read.

        Raises `WireError` for a message that is not within its bounds.
        """
        if self._host_route is None:
            log(f"{message.kind} has nowhere to go: the host has not written yet")
            return
        self.send_to(self._host_route, message, call)

    def send_to(self, route: bytes, message: Message, call: int | None = None) -> None:
        """Send to where a message came from; logged where that is gone or does not read.

        Raises `WireError` for a message that is not within its bounds.
        """
        frames = encode(message, call)
        try:
            self._socket.send_multipart([route, *frames], zmq.NOBLOCK)
        except (zmq.Again, zmq.ZMQError) as error:
            self.dropped.note(_OURS, message.kind, f"{message.kind} could not be sent: {error}")

    def close(self, linger_ms: int) -> None:
        """Close, giving the last answer that long to leave."""
        self.dropped.tell()
        self._socket.close(linger_ms)

    def _open(self, frames: Sequence[zmq.Frame]) -> Envelope | None:
        arrived_ns = time.perf_counter_ns()
        idle_ns = 0 if self._free_ns is None else arrived_ns - self._free_ns
        self._free_ns = None
        try:
            sender_key = str(frames[-1].get("User-Id"))
        except zmq.ZMQError as error:
            self.dropped.note(_NOBODY, "unsigned", str(error))
            return None
        if not self._admission.allows(sender_key):
            self.dropped.note(_NOBODY, "not admitted", "its key is not admitted")
            return None
        if sender_key == self._admission.host_key:
            self._host_route = frames[0].bytes
            self.host_heard_s = time.monotonic()
        try:
            content = _content([frame.buffer for frame in frames[1:]])
        except WireError as error:
            self.dropped.note(sender_key, "malformed", f"it is malformed: {error}")
            return None
        return Envelope(sender_key, content, arrived_ns, frames[0].bytes, idle_ns)


def _content(
    frames: Sequence[memoryview],
) -> Asked | Misread | PeerMessage | memoryview:
    if len(frames) == 1 and is_step(frames[0]):
        return frames[0]
    try:
        return read_incoming(frames)
    except BadCommandError as error:
        return Misread(error.call, error)
