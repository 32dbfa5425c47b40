"""The `reverse:` services: ports of the phone that come out on the computer.

As adbd answers them (AOSP adb, `handle_forward_request`): OKAY, then where a free port was asked
for its number with its length before it; or FAIL with a reason. Listeners end with the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from app.core.clock import SystemClock
from app.core.nursery import Nursery
from app.virtual.adbd.streams import Stream, StreamClosedError
from app.virtual.adbd.tunnels import join
from app.virtual.radio.shaper import without_delay

Dial = Callable[[str, Callable[[Stream], Awaitable[None]]], Awaitable[None]]
"""Uses a stream to a destination on the computer; does nothing where the computer refuses."""

_MAXIMUM_LISTENERS = 64
_OKAY = b"OKAY"
_CANNOT_REBIND = "cannot rebind existing socket"
_BAD_FORWARD = "bad forward: nothing after the phone's side"
_TOO_MANY = "too many listeners"
_UNKNOWN_PORT = "unknown local portname '{}'"
_NOT_FOUND = "listener '{}' not found"
_UNKNOWN_COMMAND = "unknown reverse command: {}"
"""Text of the protocol, always English: adbd's own words (AOSP adb, `adb_listeners.cpp`)."""


class _RefusedError(Exception):
    """What cannot be done; its text goes to the computer."""


@dataclass
class _Listener:
    server: asyncio.Server
    destination: str


class ReverseTunnels:
    """The ports that one computer asked this phone to listen on."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._listeners: dict[int, _Listener] = {}
        self._carrying = Nursery(SystemClock())

    @property
    def ports(self) -> frozenset[int]:
        """The loopback ports listened on now."""
        return frozenset(self._listeners)

    async def serve(self, stream: Stream, command: str) -> None:
        """Answer what follows `reverse:`."""
        stream.accept()
        try:
            answer = await self._obey(command)
        except (_RefusedError, OSError) as error:
            answer = b"FAIL" + _counted(str(error))
        with suppress(StreamClosedError):
            await stream.write(answer)

    async def close(self) -> None:
        """Listen no more and let go of what goes through."""
        for port in tuple(self._listeners):
            self._remove(port)
        await self._carrying.cancel_all()

    async def _obey(self, command: str) -> bytes:
        action, _, rest = command.partition(":")
        if action == "forward":
            return await self._forward(rest)
        if action == "list-forward":
            return _counted("".join(map(self._line, self._listeners)))
        if action == "killforward-all":
            for port in tuple(self._listeners):
                self._remove(port)
            return _OKAY
        if action == "killforward":
            port = _port(rest)
            if port not in self._listeners:
                raise _RefusedError(_NOT_FOUND.format(rest))
            self._remove(port)
            return _OKAY
        raise _RefusedError(_UNKNOWN_COMMAND.format(action))

    async def _forward(self, rest: str) -> bytes:
        keep = rest.startswith("norebind:")
        local, separator, destination = rest.removeprefix("norebind:").partition(";")
        if not separator or not destination:
            raise _RefusedError(_BAD_FORWARD)
        port = _port(local)
        if port in self._listeners:
            if keep:
                raise _RefusedError(_CANNOT_REBIND)
            self._listeners[port].destination = destination
            return _OKAY
        bound = await self._listen(port, destination)
        return _OKAY if port else _OKAY + _counted(str(bound))

    async def _listen(self, port: int, destination: str) -> int:
        if len(self._listeners) >= _MAXIMUM_LISTENERS:
            raise _RefusedError(_TOO_MANY)
        server = await asyncio.start_server(self._attend, "127.0.0.1", port)
        bound = int(server.sockets[0].getsockname()[1])
        self._listeners[bound] = _Listener(server, destination)
        return bound

    def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._carrying.start_soon(self._carry(reader, writer), "reverse tunnel")

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        without_delay(writer)
        port = int(writer.get_extra_info("sockname")[1])
        try:
            listener = self._listeners.get(port)
            if listener is not None:
                await self._dial(listener.destination, partial(join, reader=reader, writer=writer))
        finally:
            writer.close()

    def _line(self, port: int) -> str:
        return f"(reverse) tcp:{port} {self._listeners[port].destination}\n"

    def _remove(self, port: int) -> None:
        self._listeners.pop(port).server.close()


def _port(text: str) -> int:
    kind, _, number = text.partition(":")
    if kind != "tcp" or not number.isdecimal() or int(number) > 65535:
        raise _RefusedError(_UNKNOWN_PORT.format(text))
    return int(number)


def _counted(text: str) -> bytes:
    data = text.encode()
    return f"{len(data):04x}".encode() + data
