"""What a connection to a worker needs of whatever carries its frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class PortClosedError(Exception):
    """Nothing can be sent through a port any more."""


class WorkerPort(Protocol):
    """The way to one worker and back. ZeroMQ carries it, or a simulation; lives on the loop."""

    async def send(self, frames: Sequence[bytes | memoryview]) -> None:
        """Send a message. Raises `PortClosedError` where the port was closed."""
        ...

    async def receive(self) -> Sequence[bytes]:
        """Wait for a message from the worker's inbox.

        Raises `PortClosedError` where the worker sends more than can be taken.
        """
        ...

    async def heartbeat(self) -> Sequence[bytes]:
        """Wait for the frames of a heartbeat. Raises `PortClosedError` as `receive` does."""
        ...

    async def disconnected(self) -> None:
        """Return once the connection has broken since this was last asked."""
        ...

    def close(self) -> None:
        """Let go of the connection; the worker goes on running."""
        ...
