"""A virtual phone's ADB daemon: its port, and the computers that are connected to it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING

from app.core.clock import SystemClock
from app.core.nursery import Nursery
from app.virtual.adbd.authentication import TrustedKeys
from app.virtual.adbd.connection import Connection
from app.virtual.adbd.handshake import Handshake
from app.virtual.adbd.packets import ProtocolError
from app.virtual.adbd.peer_user import peer_user_id
from app.virtual.adbd.services import FEATURES
from app.virtual.adbd.streams import Service
from app.virtual.body import figures
from app.virtual.persona import Persona
from app.virtual.radio.shaper import Radio, relay, take_wifi_segments, without_delay
from workers.protocol.configuration import LOOPBACK

if TYPE_CHECKING:  # TLS takes a quarter of a phone's start, and few phones speak it
    from app.virtual.adbd.tls_front import Streams
    from app.virtual.adbd.wireless_debugging import WirelessDebugging

_EMULATOR_PORTS = range(5555, 5586)
"""Ports that Google's adb server probes by itself; a phone there would be found twice."""

_MAXIMUM_CONNECTIONS = 32
_GREETING_BYTES = 4096
_GOODBYE_TIMEOUT_S = 30.0
_LOGGER = logging.getLogger(__name__)


class AdbDaemon:
    """Listens on an ephemeral loopback port from `start` to `stop`, and on it again after each.

    `find_service` maps a service's name to what serves it.
    """

    def __init__(
        self,
        persona: Persona,
        radio: Radio,
        keys: TrustedKeys,
        wireless: WirelessDebugging | None,
        find_service: Callable[[str], Service | None],
    ) -> None:
        self._persona = persona
        self._radio = radio
        self._keys = keys
        self._wireless = wireless
        self._find_service = find_service
        self._bound: socket.socket | None = None
        self._port = 0
        self.is_busy = persona.busy
        self.outside: Callable[[], AbstractContextManager[None]] = nullcontext
        """Gives the network in which the daemon listens."""
        self._server: asyncio.Server | None = None
        self._computers: set[asyncio.StreamWriter] = set()
        self._connections: set[Connection] = set()
        self._tasks = Nursery(SystemClock())

    async def start(self) -> int:
        """Listen and return the port. Raises `OSError` where an earlier one was taken since."""
        bound, self._bound = self._bound, None
        if bound is None:
            with self.outside():
                bound = _bind(self._port) if self._port else _bind_unprobed()
        if self._persona.has_link_limits:
            take_wifi_segments(bound)
        self._port = int(bound.getsockname()[1])
        self._server = await asyncio.start_server(self._attend, sock=bound)
        return self._port

    def drop(self) -> None:
        """Drop every computer at once."""
        for computer in tuple(self._computers):
            computer.transport.abort()

    async def stop(self) -> None:
        """Stop listening and drop every computer at once, as a daemon that ends does.

        The port is kept, refusing computers: nobody else may get it before the next start.
        """
        if self._server is not None:
            self._server.close()
            self._server = None
            with suppress(OSError), self.outside():  # the next start says why
                self._bound = _bind(self._port)
        self.drop()
        await self._tasks.cancel_all()

    @property
    def reverse_ports(self) -> frozenset[int]:
        """The phone's own ports that come out on a computer."""
        return frozenset().union(*(each.reverse_ports for each in self._connections))

    def accept_keys(self) -> None:
        """Accept the key of every computer that waits, as a person does on the screen."""
        for connection in tuple(self._connections):
            connection.accept_pending_key()

    def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_busy or len(self._connections) >= _MAXIMUM_CONNECTIONS:
            self._tasks.start_soon(_quietly(_turn_away(reader, writer)), "turning away")
        else:
            self._tasks.start_soon(self._serve(reader, writer), "computer")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        without_delay(writer)
        self._computers.add(writer)
        try:
            with suppress(OSError):
                await self._speak(reader, writer)
        except ProtocolError as error:
            _LOGGER.warning("a connection was closed: %s", error)
        finally:
            self._computers.discard(writer)
            writer.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self.outside():
            is_same_user = _is_same_user(writer)
        ask = self._persona.accept_keys == "ask" or not is_same_user
        streams = reader, writer
        if self._persona.has_link_limits:
            streams = await self._shaped(streams)
        if self._wireless is not None:
            streams = await self._secured(streams, self._wireless)
        await self._run_connection(*streams, ask=ask)

    async def _shaped(self, outside: Streams) -> Streams:
        """Return streams that reach the computer over the phone's radio."""
        ours, theirs = socket.socketpair()
        near = await asyncio.open_connection(sock=theirs)
        self._tasks.start_soon(_quietly(relay(near, outside, self._radio)), "radio")
        return await asyncio.open_connection(sock=ours)

    async def _secured(self, outside: Streams, wireless: WirelessDebugging) -> Streams:
        """Return streams that reach the computer over TLS. Raises `ProtocolError`."""
        from app.virtual.adbd.tls_front import TlsFront  # noqa: PLC0415 - see above

        front = TlsFront(outside, wireless.context())
        try:
            opening = await front.begin()
        except ProtocolError:
            outside[1].close()
            raise
        ours, theirs = socket.socketpair()
        inside = await asyncio.open_connection(sock=theirs)
        inside[1].write(opening)
        self._tasks.start_soon(_quietly(front.carry(inside)), "TLS")
        return await asyncio.open_connection(sock=ours)

    async def _run_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, ask: bool
    ) -> None:
        proven = self._wireless is not None
        handshake = Handshake(self._keys, self._banner(), ask=ask, proven=proven)
        connection = Connection(reader, writer, handshake, self._find_service)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)

    def _banner(self) -> bytes:
        device = figures.device_name(self._persona)
        model = "_".join(self._persona.name.split())
        features = ",".join(FEATURES)
        return (
            f"device::ro.product.name={device};ro.product.model={model};"
            f"ro.product.device={device};features={features}"
        ).encode()


def _bind(port: int) -> socket.socket:
    """Return a socket that has that loopback port, any one for 0, and does not listen yet."""
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.close()
        raise
    return bound


def _bind_unprobed() -> socket.socket:
    """Return a socket that has a loopback port which no adb server probes."""
    probed = []
    try:
        while True:
            bound = _bind(0)
            if bound.getsockname()[1] not in _EMULATOR_PORTS:
                return bound
            probed.append(bound)
    finally:
        for unwanted in probed:
            unwanted.close()


def _is_same_user(writer: asyncio.StreamWriter) -> bool:
    """Return False where the computer's end is known to belong to another user of this machine."""
    peer, own = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
    return peer_user_id(peer, own) in {None, os.getuid()}


async def _turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hear the computer's greeting and hang up: another computer has the phone.

    What it still sends is read away, or it would see a broken connection and not an ended one.
    """
    try:
        async with asyncio.timeout(_GOODBYE_TIMEOUT_S):
            await reader.read(_GREETING_BYTES)
            writer.write_eof()
            while await reader.read(_GREETING_BYTES):
                pass
    except TimeoutError:
        pass
    finally:
        writer.close()


async def _quietly(work: Coroutine[None, None, None]) -> None:
    with suppress(OSError):
        await work
