"""What a connection to a worker needs of whatever carries its frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class PortClosedError(Exception):
    """Nothing can be sent through a port any more."""


class Received(NamedTuple):
    """The frames of a message, and whether another one is there already."""

    frames: Sequence[bytes]
    more_waits: bool


class WorkerPort(Protocol):
    """The way to one worker and back. ZeroMQ carries it, or a simulation; lives on the loop."""

    async def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send a message. Raises `PortClosedError` where the port was closed."""
        ...

    async def receive(self) -> Received:
        """Wait for a message from the worker's inbox."""
        ...

    async def heartbeat(self) -> Received:
        """Wait for the frames of a heartbeat."""
        ...

    async def disconnected(self) -> None:
        """Return once the connection has broken since this was last asked."""
        ...

    def close(self) -> None:
        """Let go of the connection; the worker goes on running."""
        ...
