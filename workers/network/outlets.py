"""Ports of this phone's loopback that the host leads out of the phone, by streams that it opens.

The host leaves a stream waiting at the outlet's intake; whoever connects to the outlet takes it,
and their bytes are passed on unread. That is a way out where `adb reverse` ends on a computer
that cannot pass them on.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from workers.errors import ReportedError
from workers.log import LogOnce
from workers.network.outlet_intake import Ends, Intake, SilentStreams
from workers.nursery import first_to_end
from workers.protocol.configuration import LOOPBACK

MAXIMUM_OUTLETS: Final = 64
MAXIMUM_CONNECTIONS: Final = 64
_OPEN_TIMEOUT_S: Final = 10.0
_CHUNK_BYTES: Final = 1 << 16


@dataclass(frozen=True)
class OutletPorts:
    """Where a connection that is to leave the phone begins, and where the host fetches it."""

    port: int
    intake_port: int


class Outlets:
    """A thread that carries all outlets of a worker; it starts with the first one."""

    def __init__(self) -> None:
        self._outlets: OrderedDict[str, _Outlet] = OrderedDict()
        self._silent = SilentStreams()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def open(self, name: str, secret: bytes) -> OutletPorts:
        """Return the ports of the outlet of that name; only who says the secret fetches from it.

        Where there is one already its ports stay, and streams that waited there are let go.
        Raises `ReportedError` where the phone gives no port.
        """
        try:
            opening = asyncio.run_coroutine_threadsafe(self._open(name, secret), self._running())
            return opening.result(_OPEN_TIMEOUT_S)
        except (OSError, TimeoutError) as error:
            raise ReportedError("outlet.refused", reason=f"{error}") from None

    def close(self) -> None:
        """Close every outlet and end what goes through."""
        if self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result(_OPEN_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="outlets", daemon=True
            )
            self._thread.start()
        return self._loop

    async def _open(self, name: str, secret: bytes) -> OutletPorts:
        outlet = self._outlets.pop(name, None) or await _Outlet.listening(Intake(self._silent))
        outlet.intake.admit_only(secret)
        self._outlets[name] = outlet
        if len(self._outlets) > MAXIMUM_OUTLETS:
            self._outlets.popitem(last=False)[1].close()
        return outlet.ports


class _Outlet:
    """One outlet. Lives on the thread's loop."""

    def __init__(self, intake: Intake) -> None:
        self.ports = OutletPorts(0, 0)
        self.intake = intake
        self._servers: list[asyncio.Server] = []
        self._connections = 0
        self._log_once = LogOnce()

    @classmethod
    async def listening(cls, intake: Intake) -> _Outlet:
        """Return an outlet on two free ports. Raises `OSError`."""
        outlet = cls(intake)
        for attend in (outlet._lead_out, intake.take_in):
            outlet._servers.append(await asyncio.start_server(attend, LOOPBACK, 0))
        numbers = [server.sockets[0].getsockname()[1] for server in outlet._servers]
        outlet.ports = OutletPorts(*numbers)
        return outlet

    def close(self) -> None:
        """Listen no more; what goes through goes on."""
        self.intake.admit_only(b"")
        for server in self._servers:
            server.close()

    async def _lead_out(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a connection to the next stream that waits; it may have to wait for one."""
        if self._connections >= MAXIMUM_CONNECTIONS:
            writer.close()
            self._log_once(
                f"{MAXIMUM_CONNECTIONS} connections go through an outlet: more are refused"
            )
            return
        self._connections += 1
        try:
            stream = await self.intake.next_stream()
            try:
                await _join((reader, writer), stream)
            finally:
                stream[1].close()
        finally:
            self._connections -= 1
            writer.close()


async def _join(near: Ends, far: Ends) -> None:
    """Pass bytes both ways until either side ends: an ADB stream has no half-close."""
    await first_to_end(_pass_on(near[0], far[1]), _pass_on(far[0], near[1]))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
