"""A SOCKS5 proxy (RFC 1928) that takes the phone's outgoing connections over its radio."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from collections.abc import Callable
from contextlib import suppress

from app.core.clock import SystemClock
from app.core.nursery import Nursery
from app.virtual.radio.kernel_link import VIRTUAL_NETWORK
from app.virtual.radio.shaper import Radio, relay, without_delay

_VERSION = 5
_NO_AUTHENTICATION = 0
_NO_ACCEPTABLE_METHOD = 0xFF
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4

_SUCCEEDED = 0
_NOT_ALLOWED = 2
_UNREACHABLE = 4
_REFUSED = 5
_COMMAND_NOT_SUPPORTED = 7
_ADDRESS_NOT_SUPPORTED = 8

_REQUEST_TIMEOUT_S = 30.0
_MAXIMUM_CONNECTIONS = 200
_IGNORED_BYTES = 4096


class ProxyRefusalError(Exception):
    """A request that is answered with a SOCKS5 error; `code` is the reply field."""

    def __init__(self, code: int) -> None:
        super().__init__(f"SOCKS5 reply {code}")
        self.code = code


class Proxy:
    """CONNECT only, to loopback only, without authentication.

    Connections to `own_ports`, the phone's own, do not pass its radio. Without `outward` there are
    no others.
    """

    def __init__(
        self,
        radio: Radio,
        own_ports: Callable[[], frozenset[int]] = frozenset,
        *,
        outward: bool = True,
    ) -> None:
        self._radio = radio
        self._own_ports = own_ports
        self._outward = outward
        self._connections = Nursery(SystemClock())

    async def listen(self) -> asyncio.Server:
        """Start on an ephemeral loopback port."""
        return await asyncio.start_server(self._attend, "127.0.0.1", 0)

    def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._connections.task_count >= _MAXIMUM_CONNECTIONS:
            writer.close()
        else:
            self._connections.start_soon(self._serve(reader, writer), "proxied connection")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                await self._connect(reader, writer)
        finally:
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        without_delay(writer)
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                await _agree_on_method(reader, writer)
                host, port = await _read_request(reader)
                radio = self._radio_to(port)
                far = await _open(host, port)
        except ProxyRefusalError as refusal:
            await _turn_away(reader, writer, refusal.code)
            return
        without_delay(far[1])
        writer.write(_reply(_SUCCEEDED))
        await relay((reader, writer), far, radio)

    def _radio_to(self, port: int) -> Radio:
        """Return what a connection passes. Raises `ProxyRefusalError` where there is no way."""
        if port in self._own_ports():
            return Radio.unlimited()
        if not self._outward:
            raise ProxyRefusalError(_UNREACHABLE)
        return self._radio


async def _turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, code: int) -> None:
    """Say no; where nobody is there, say nothing until the program gives up.

    That is how a Wi-Fi that drops packets behaves. It is also all that libzmq 4.3 survives: told of
    a failure, its SOCKS client aborts the program when the socket is closed soon after.
    """
    if code in {_NOT_ALLOWED, _UNREACHABLE, _REFUSED}:
        while await reader.read(_IGNORED_BYTES):
            pass
        return
    writer.write(_reply(code))
    await writer.drain()


async def _agree_on_method(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    version, count = await reader.readexactly(2)
    methods = await reader.readexactly(count)
    if version != _VERSION or _NO_AUTHENTICATION not in methods:
        writer.write(bytes((_VERSION, _NO_ACCEPTABLE_METHOD)))
        await writer.drain()
        raise ConnectionAbortedError
    writer.write(bytes((_VERSION, _NO_AUTHENTICATION)))


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, int]:
    version, command, _, kind = await reader.readexactly(4)
    if version != _VERSION:
        raise ConnectionAbortedError
    if kind == _IPV4:
        host = str(ipaddress.IPv4Address(await reader.readexactly(4)))
    elif kind == _IPV6:
        host = str(ipaddress.IPv6Address(await reader.readexactly(16)))
    elif kind == _NAME:
        length = (await reader.readexactly(1))[0]
        host = (await reader.readexactly(length)).decode("ascii", errors="replace")
    else:
        raise ProxyRefusalError(_ADDRESS_NOT_SUPPORTED)
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    if command != _CONNECT:
        raise ProxyRefusalError(_COMMAND_NOT_SUPPORTED)
    if not is_loopback(host) and not _is_virtual_network(host):
        raise ProxyRefusalError(_NOT_ALLOWED)
    return host, port


async def _open(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_connection(host, port)
    except OSError:
        raise ProxyRefusalError(_REFUSED) from None


def is_loopback(host: str) -> bool:
    """Return whether a host, by name or address, is this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_virtual_network(host: str) -> bool:
    """Return whether a host is a virtual phone with a network of its own on this machine."""
    try:
        return ipaddress.ip_address(host) in VIRTUAL_NETWORK
    except ValueError:
        return False


def _reply(code: int) -> bytes:
    return bytes((_VERSION, code, 0, _IPV4)) + bytes(6)
