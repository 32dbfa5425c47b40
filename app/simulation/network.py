"""Simulated links: what is sent arrives in order after a while, unless it is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from app.pipeline.ports import PortClosedError, Received
from app.pipeline.worker_client import WorkerAddress

HOST_PLACE: Final = "host"
_BETWEEN_S: Final = 1e-6
"""Two messages arrive at two moments: of calls for one moment the loop makes any one first."""
Deliver = Callable[[], object]


class Listener(Protocol):
    """A worker as the network sees it."""

    @property
    def place(self) -> str:
        """Where it is: an address on the Wi-Fi."""
        ...

    def arrived(self, sender_key: str, frames: Sequence[bytes], port: HostPort | None) -> None:
        """Take a message; `port` is what the host sent it from."""
        ...


@dataclass(frozen=True)
class LinkBehaviour:
    """How links behave: seconds that a message takes, and what share of steps is lost."""

    shortest_s: float = 0.002
    longest_s: float = 0.02
    lost: float = 0.0


class Network:
    """All links of one rack. Lives on the loop."""

    def __init__(self, random: Random, figures: LinkBehaviour) -> None:
        self._random = random
        self._figures = figures
        self._listeners: dict[str, Listener] = {}
        self._ports: dict[str, list[HostPort]] = {}
        self._due_s: dict[tuple[str, str], float] = {}
        self._cut_off: dict[str, list[tuple[str, str, Deliver]]] = {}

    def become(self, figures: LinkBehaviour) -> None:
        """Let links behave otherwise from now on."""
        self._figures = figures

    def listen(self, endpoint: str, listener: Listener) -> None:
        """Let a worker be found at `tcp://address:port`."""
        self._listeners[endpoint] = listener

    def end(self, endpoint: str) -> None:
        """Nobody listens there any more: the host's connections to it break."""
        self._listeners.pop(endpoint, None)
        for port in self._ports.pop(endpoint, []):
            self._after(lambda port=port: port.broken.set())  # type: ignore[misc]

    def find(self, endpoint: str) -> Listener | None:
        """Return who listens there."""
        return self._listeners.get(endpoint)

    def connect(self, endpoint: str, port: HostPort) -> None:
        """Note that a port of the host's leads there."""
        if endpoint in self._listeners:
            self._ports.setdefault(endpoint, []).append(port)
        else:
            port.broken.set()

    def cut_off(self, place: str) -> None:
        """Let nothing reach a place, or leave it, until it is back; connections stand."""
        self._cut_off.setdefault(place, [])

    def reconnect(self, place: str) -> None:
        """Deliver what waited."""
        for sender, receiver, deliver in self._cut_off.pop(place, []):
            self.send(sender, receiver, deliver)

    def reaches(self, place: str) -> bool:
        """Tell whether messages come and go there."""
        return place not in self._cut_off

    def send_step(self, sender: str, receiver: str, deliver: Deliver) -> None:
        """Send what a break of the connection may lose."""
        if self._random.random() >= self._figures.lost:
            self.send(sender, receiver, deliver)

    def send(self, sender: str, receiver: str, deliver: Deliver) -> None:
        """Call `deliver` after a hop, after all that the sender sent there before."""
        for place in (sender, receiver):
            if place in self._cut_off:
                self._cut_off[place].append((sender, receiver, deliver))
                return
        loop = asyncio.get_running_loop()
        after_s = self._due_s.get((sender, receiver), 0.0) + _BETWEEN_S
        due_s = max(loop.time() + self._hop_s(), after_s)
        self._due_s[sender, receiver] = due_s
        loop.call_at(due_s, deliver)

    async def round_trip(self, one: str, other: str) -> float | None:
        """Wait for a question and its answer; return its seconds, None where a place is cut off."""
        seconds = self._hop_s() + self._hop_s()
        await asyncio.sleep(seconds)
        return seconds if self.reaches(one) and self.reaches(other) else None

    def _after(self, deliver: Deliver) -> None:
        asyncio.get_running_loop().call_later(self._hop_s(), deliver)

    def _hop_s(self) -> float:
        return self._random.uniform(self._figures.shortest_s, self._figures.longest_s)


class HostPort:
    """The host's `WorkerPort` to one simulated worker."""

    def __init__(self, network: Network, address: WorkerAddress, host_key: str) -> None:
        self.broken = asyncio.Event()
        self._network = network
        self._host_key = host_key
        self._endpoint = address.inbox
        self._place = address.host
        self._messages: asyncio.Queue[Sequence[bytes]] = asyncio.Queue()
        self._heartbeats: asyncio.Queue[Sequence[bytes]] = asyncio.Queue()
        self._closed = False
        network.connect(self._endpoint, self)

    async def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send a message; one to nobody is lost."""
        if self._closed:
            raise PortClosedError
        kept = [bytes(frame) for frame in frames]
        self._network.send(HOST_PLACE, self._place, lambda: self._arrive(kept))

    def _arrive(self, frames: Sequence[bytes]) -> None:
        listener = self._network.find(self._endpoint)
        if listener is not None:
            listener.arrived(self._host_key, frames, self)

    async def receive(self) -> Received:
        """Wait for a message."""
        return Received(await self._messages.get(), more_waits=not self._messages.empty())

    async def heartbeat(self) -> Received:
        """Wait for a heartbeat."""
        return Received(await self._heartbeats.get(), more_waits=not self._heartbeats.empty())

    async def disconnected(self) -> None:
        """Return once the worker has ended."""
        await self.broken.wait()
        self.broken.clear()

    def close(self) -> None:
        """Take and send nothing more."""
        self._closed = True

    def say(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send a message of the worker's to the host."""
        kept = [bytes(frame) for frame in frames]
        self._network.send(self._place, HOST_PLACE, lambda: self._messages.put_nowait(kept))

    def beat(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send a heartbeat; the host hears none of a place that is cut off."""
        kept = [bytes(frame) for frame in frames]
        if self._network.reaches(self._place):
            self._network.send(self._place, HOST_PLACE, lambda: self._heartbeats.put_nowait(kept))
