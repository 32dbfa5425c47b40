"""How far another phone is: small questions to it, then a stream, over a socket as for steps."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
import zmq

from workers.errors import ReportedError, WireError
from workers.network.links import OutboundLinks
from workers.protocol.codec import encode, read_answer
from workers.protocol.commands import NextHop, Ping, Pong, Probe, Probed
from workers.protocol.wire import Tensor

CHUNK_BYTES: Final = 32 << 10
LONGEST_REST_S: Final = 0.005
"""After so long an idle processor is about as slow to begin again as it gets."""
_FIRST_WINDOW: Final = 2
_LARGEST_WINDOW: Final = 16
_FEWEST_CHUNKS: Final = 2
_ELEMENT_BYTES: Final = 4


class UnreachableError(ReportedError):
    """Another phone that does not answer."""


def answer_ping(command: Ping, now_ns: int) -> Pong:
    """Answer a question with as many bytes as it asks for, and with the time."""
    wanted = command.answer_bytes
    return Pong(now_ns // 1000, (_payload(wanted),) if wanted else ())


def probe(links: OutboundLinks, command: Probe) -> Probed:
    """Measure the way to another phone; the worker does nothing else meanwhile.

    `round_trip_s` is the median of the pings; `bytes_per_second` is None where no stream was asked
    for or too little of it arrived. Raises `UnreachableError` where no ping is answered in time.
    """
    hop, limit_s = NextHop(command.endpoint, command.key), command.limit_s
    socket = links.dial(hop)
    try:
        far = _FarEnd(socket, hop)
        far.ask(limit_s)  # the handshake is no part of a round trip
        round_trips_s = round_trips(partial(far.ask, limit_s), command.pings, limit_s)
        rate = _Stream(far, command.size_bytes // CHUNK_BYTES).rate(limit_s)
    finally:
        socket.close(0)
    return Probed(statistics.median(round_trips_s), rate)


def rest_s(round_trip_s: float) -> float:
    """Return how long to wait before asking again, so that both ends are met as a step meets them.

    A phone of a ring waits while the others have the token. Its processor rests meanwhile, and who
    asks without a break measures a phone that is awake.
    """
    return min(round_trip_s, LONGEST_REST_S)


def round_trips(
    ask: Callable[[], float], count: int, limit_s: float, rest: Callable[[float], None] = time.sleep
) -> list[float]:
    """Return at least one round trip in seconds, and no more than fit the limit."""
    round_trips_s = [ask()]
    while len(round_trips_s) < count and sum(round_trips_s) < limit_s:
        rest(rest_s(round_trips_s[-1]))
        round_trips_s.append(ask())
    return round_trips_s


@dataclass
class _FarEnd:
    socket: zmq.Socket[bytes]
    hop: NextHop
    asked: int = 0

    def send(self, tensors: tuple[Tensor, ...] = ()) -> None:
        self.asked += 1
        frames = encode(Ping(tensors=tensors), self.asked)
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            raise UnreachableError("hop.takes_nothing", endpoint=self.hop.endpoint) from None

    def answered(self, timeout_s: float) -> bool:
        """Wait for the next answer; tell whether it came."""
        if not self.socket.poll(math.ceil(max(timeout_s, 0.0) * 1000)):
            return False
        try:
            return isinstance(read_answer(self.socket.recv_multipart(), Pong), Pong)
        except WireError:
            raise UnreachableError("hop.answers_otherwise", endpoint=self.hop.endpoint) from None

    def ask(self, limit_s: float) -> float:
        """Return the seconds one question and its answer take."""
        started_s = time.perf_counter()
        self.send()
        if not self.answered(limit_s):
            raise UnreachableError("hop.silent", endpoint=self.hop.endpoint, limit_s=f"{limit_s:g}")
        return time.perf_counter() - started_s


@dataclass
class _Stream:
    """Chunks under way, more and more of them until the link is full."""

    far: _FarEnd
    chunks: int
    sent: int = 0
    arrived_s: list[float] = field(default_factory=list)

    def rate(self, limit_s: float) -> float | None:
        """Return bytes per second between the first chunk's arrival and the last one's."""
        payload = (_payload(CHUNK_BYTES),)
        deadline_s = time.perf_counter() + limit_s
        while len(self.arrived_s) < self.chunks:
            while self.sent < self.chunks and self._under_way < self._window:
                self.far.send(payload)
                self.sent += 1
            if not self.far.answered(deadline_s - time.perf_counter()):
                break
            self.arrived_s.append(time.perf_counter())
        if len(self.arrived_s) < _FEWEST_CHUNKS:
            return None
        elapsed_s = self.arrived_s[-1] - self.arrived_s[0]
        return (len(self.arrived_s) - 1) * CHUNK_BYTES / max(elapsed_s, 1e-6)

    @property
    def _under_way(self) -> int:
        return self.sent - len(self.arrived_s)

    @property
    def _window(self) -> int:
        return min(_FIRST_WINDOW + len(self.arrived_s), _LARGEST_WINDOW)


def _payload(size_bytes: int) -> Tensor:
    return np.zeros(size_bytes // _ELEMENT_BYTES, np.float32)
