"""A slow link made of a fast one: bytes are paced and arrive late, in order.

Latency is a pipeline, not a pause: any number of chunks may be under way at once. TCP shows
nobody a lost segment, so that loss is modelled as what it costs: each lost segment holds up what
comes after it on its connection for one retransmission timeout (RFC 6298).
"""

from __future__ import annotations

import asyncio
import math
import random
import socket
import sys
from dataclasses import dataclass

from app.virtual.persona import Persona
from workers.nursery import all_or_none

_CHUNK_BYTES = 16 * 1024
SEGMENT_BYTES = 1448
"""What a TCP segment carries on Ethernet and Wi-Fi."""

_ANNOUNCED_SEGMENT_BYTES = SEGMENT_BYTES + 12
"""The same together with the time stamps in it (RFC 7323), as the two ends agree on it."""

SHORTEST_TIMEOUT_S = 0.2
"""Linux' least retransmission timeout; it is two round trips where those take longer."""

BEACON_S = 0.3072
"""Three beacons of 102.4 ms: how often a sleeping phone's radio listens (DTIM 3)."""

_QUEUED_S = 0.05
"""How far ahead of the line's capacity a sender may run, like a router's buffer."""


class RadioLine:
    """One direction of a phone's radio, shared by everything that goes through it."""

    def __init__(
        self,
        latency_s: float,
        bytes_per_second: float,
        loss: float = 0.0,
        chance: random.Random | None = None,
    ) -> None:
        """`loss` is each segment's probability to be lost, `chance` what decides."""
        self._latency_s = latency_s
        self._bytes_per_second = bytes_per_second
        self._loss = loss
        self._chance = chance or random.Random()  # noqa: S311 - no secret
        self._free_at_s = 0.0
        self.beacon_s = 0.0
        """While above 0 bytes arrive at multiples of it alone: the radio sleeps in between."""

    @property
    def queue_chunks(self) -> int:
        """How many chunks one sender may have under way."""
        if math.isinf(self._bytes_per_second):
            return 256
        under_way = self._bytes_per_second * (self._latency_s + _QUEUED_S)
        return min(max(math.ceil(under_way / _CHUNK_BYTES), 2), 256)

    def delivery_s(self, now_s: float, size_bytes: int) -> float:
        """Take the line for that many bytes; return when the last of them arrives."""
        self._free_at_s = max(self._free_at_s, now_s) + size_bytes / self._bytes_per_second
        arrival_s = self._free_at_s + self._latency_s + self._stall_s(size_bytes)
        return math.ceil(arrival_s / self.beacon_s) * self.beacon_s if self.beacon_s else arrival_s

    def _stall_s(self, size_bytes: int) -> float:
        """Return how long lost segments hold the bytes up."""
        if not self._loss:
            return 0.0
        segments = math.ceil(size_bytes / SEGMENT_BYTES)
        lost = sum(self._chance.random() < self._loss for _ in range(segments))
        return lost * max(SHORTEST_TIMEOUT_S, 4 * self._latency_s)


@dataclass(frozen=True)
class Radio:
    """A phone's link: what it sends and what it receives."""

    up: RadioLine
    down: RadioLine

    @staticmethod
    def unlimited() -> Radio:
        """Return a link that holds nothing up."""
        return Radio(RadioLine(0.0, math.inf), RadioLine(0.0, math.inf))

    @staticmethod
    def of(persona: Persona) -> Radio:
        """Return a link of the persona's figures."""
        latency_s = (persona.link_latency_ms or 0) / 1000
        rate = persona.link_mbit_per_second
        bytes_per_second = math.inf if rate is None else rate * 1e6 / 8

        def line(name: str) -> RadioLine:
            chance = random.Random(f"{persona.serial} {name}")  # noqa: S311 - no secret
            return RadioLine(latency_s, bytes_per_second, persona.link_loss, chance)

        return Radio(line("up"), line("down"))

    def sleep(self, *, asleep: bool) -> None:
        """Deliver at beacons alone while the phone sleeps."""
        for each in (self.up, self.down):
            each.beacon_s = BEACON_S if asleep else 0.0


async def carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: RadioLine
) -> None:
    """Pass everything from reader to writer over the line, then its end.

    Raises `OSError` where either side breaks.
    """
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(line.queue_chunks)

    async def send() -> None:
        while data := await reader.read(_CHUNK_BYTES):
            await under_way.put((line.delivery_s(loop.time(), len(data)), data))
        await under_way.put((line.delivery_s(loop.time(), 0), b""))

    async def deliver() -> None:
        while True:
            due_s, data = await under_way.get()
            await asyncio.sleep(max(due_s - loop.time(), 0))
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    await all_or_none(send(), deliver())


async def relay(
    near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    radio: Radio,
) -> None:
    """Join two connections over the phone's radio until both directions ended.

    `near` is the phone's side. Both are closed afterwards.
    """
    try:
        await all_or_none(carry(near[0], far[1], radio.up), carry(far[0], near[1], radio.down))
    finally:
        near[1].close()
        far[1].close()


def take_wifi_segments(listener: socket.socket) -> None:
    """Let who connects agree on the segments of a Wi-Fi; its system then buffers as for a phone.

    Loopback's own are 45 times as large, and so is what a system takes of a sender at once.
    """
    if sys.platform == "linux":  # elsewhere a listener does not pass it on
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _ANNOUNCED_SEGMENT_BYTES)


def without_delay(writer: asyncio.StreamWriter) -> None:
    """Send small messages at once (TCP_NODELAY)."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
