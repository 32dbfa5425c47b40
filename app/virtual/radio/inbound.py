"""Connections that others open to a phone's programs, taken over the phone's radio."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress

from app.core.clock import SystemClock
from app.core.nursery import Nursery
from app.virtual.radio.listening_ports import listening_ports
from app.virtual.radio.own_address import OwnAddress
from app.virtual.radio.shaper import Radio, relay, take_wifi_segments, without_delay

_MAXIMUM_CONNECTIONS = 100
_WAITING_CONNECTIONS = 64
_LOGGER = logging.getLogger(__name__)


class Inbound:
    """Listens at the phone's outer address on each port that a program has at the inner one."""

    def __init__(self, radio: Radio, own: OwnAddress) -> None:
        self._radio = radio
        self._own = own
        self._open: dict[int, asyncio.Task[None]] = {}
        self._listeners = Nursery(SystemClock())
        self._connections = Nursery(SystemClock())

    def follow(self) -> None:
        """Open what programs have begun to listen on, close what they no longer do.

        Whoever connects after this call is not refused.
        """
        wanted = listening_ports(self._own.inner)
        for port in self._open.keys() - wanted:
            self._open.pop(port).cancel()
        for port in wanted - self._open.keys():
            try:
                listener = self._listen(port)
            except OSError as error:
                _LOGGER.warning("port %d cannot be reached from outside: %s", port, error)
            else:
                work = self._serve(listener, port)
                self._open[port] = self._listeners.start_soon(work, f"port {port}")

    async def close(self) -> None:
        """Listen no more and let go of what goes through."""
        self._open.clear()
        await self._listeners.cancel_all()
        await self._connections.cancel_all()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            take_wifi_segments(listener)
            listener.bind((self._own.outer, port))
            listener.listen(_WAITING_CONNECTIONS)
        except OSError:
            listener.close()
            raise
        return listener

    async def _serve(self, listener: socket.socket, port: int) -> None:
        def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._attend(port, reader, writer)

        try:
            server = await asyncio.start_server(attend, sock=listener)
            await server.serve_forever()
        finally:
            listener.close()

    def _attend(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._connections.task_count >= _MAXIMUM_CONNECTIONS:
            writer.close()
        else:
            self._connections.start_soon(self._carry(port, (reader, writer)), f"to port {port}")

    async def _carry(
        self, port: int, outside: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    ) -> None:
        without_delay(outside[1])
        try:
            with suppress(OSError):
                inside = await asyncio.open_connection(self._own.inner, port)
                without_delay(inside[1])
                await relay(inside, outside, self._radio)
        finally:
            outside[1].close()
