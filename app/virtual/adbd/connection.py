"""One ADB connection: packets in and out, and the streams inside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from app.core.clock import SystemClock
from app.core.nursery import Nursery
from app.virtual.adbd.handshake import Handshake
from app.virtual.adbd.packets import (
    HEADER_BYTES,
    VERSION_WITHOUT_CHECKSUMS,
    AdbCommand,
    Packet,
    encode,
    parse_header,
    parse_payload,
)
from app.virtual.adbd.reverse import ReverseTunnels
from app.virtual.adbd.streams import Service, Stream, StreamClosedError

_MAXIMUM_STREAMS = 128
_UNREAD_BYTES = 16 << 20
"""How much a computer may leave unread before it is no longer listened to."""

_HANDSHAKE_TIMEOUT_S = 10.0


class Connection:
    """A computer's connection. `find_service` maps a name to what serves it, or None."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handshake: Handshake,
        find_service: Callable[[str], Service | None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handshake = handshake
        self._find_service = find_service
        self._streams: dict[int, Stream] = {}
        self._tasks = Nursery(SystemClock())
        self._next_stream = 1
        self._reverse = ReverseTunnels(self._dial)
        writer.transport.set_write_buffer_limits(high=_UNREAD_BYTES)

    async def run(self) -> None:
        """Serve until the computer leaves. Raises `ProtocolError` where it misbehaves."""
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._receive_all()
        finally:
            await self._end_streams()
            self._writer.close()

    def accept_pending_key(self) -> None:
        """Let the computer in that waits for its key to be accepted."""
        answer = self._handshake.accept_pending_key()
        if answer is not None:
            self._send(answer)

    @property
    def reverse_ports(self) -> frozenset[int]:
        """The phone's loopback ports that come out on the computer."""
        return self._reverse.ports

    async def _receive_all(self) -> None:
        async with asyncio.timeout(_HANDSHAKE_TIMEOUT_S):
            packet = await self._receive()
        while True:
            await self._dispatch(packet)
            await self._writer.drain()
            packet = await self._receive()

    async def _receive(self) -> Packet:
        header = parse_header(await self._reader.readexactly(HEADER_BYTES))
        payload = await self._reader.readexactly(header.payload_bytes)
        return parse_payload(header, payload, check=self._uses_checksums and self._is_online)

    @property
    def _is_online(self) -> bool:
        return self._handshake.is_online

    @property
    def _uses_checksums(self) -> bool:
        return self._handshake.version < VERSION_WITHOUT_CHECKSUMS

    def _send(self, packet: Packet) -> None:
        always = packet.command in {AdbCommand.CNXN, AdbCommand.AUTH}
        self._writer.write(encode(packet, with_checksum=always or self._uses_checksums))

    async def _dispatch(self, packet: Packet) -> None:
        if packet.command in {AdbCommand.CNXN, AdbCommand.AUTH} or not self._is_online:
            await self._end_streams()
            answer = self._handshake.receive(packet)
            if answer is not None:
                self._send(answer)
        elif packet.command is AdbCommand.OPEN:
            self._open(packet)
        elif packet.argument1 in self._streams:
            await self._streams[packet.argument1].take(packet)

    def _open(self, packet: Packet) -> None:
        if len(self._streams) >= _MAXIMUM_STREAMS:
            self._send(Packet(AdbCommand.CLSE, 0, packet.argument0))
            return
        local, stream = self._new_stream(packet.argument0)
        name = packet.payload.rstrip(b"\0").decode(errors="surrogateescape")
        self._tasks.start_soon(self._serve(local, stream, name), name)

    def _new_stream(self, remote: int) -> tuple[int, Stream]:
        local = self._next_stream
        self._next_stream += 1
        stream = Stream(local, remote, self._send, self._handshake.peer_maximum_bytes)
        self._streams[local] = stream
        return local, stream

    async def _dial(self, destination: str, use: Service) -> None:
        """Use a stream to a destination on the computer; not at all where it refuses."""
        if len(self._streams) >= _MAXIMUM_STREAMS or not self._is_online:
            return
        local, stream = self._new_stream(0)
        try:
            if await stream.dial(destination):
                with suppress(StreamClosedError, OSError):
                    await use(stream)
        finally:
            stream.close()
            del self._streams[local]

    async def _serve(self, local: int, stream: Stream, name: str) -> None:
        service = self._service(name)
        try:
            if service is not None:
                with suppress(StreamClosedError, OSError):
                    await service(stream)
        finally:
            stream.close()
            del self._streams[local]

    def _service(self, name: str) -> Service | None:
        kind, _, command = name.partition(":")
        if kind == "reverse":
            return partial(self._reverse.serve, command=command)
        return self._find_service(name)

    async def _end_streams(self) -> None:
        await self._reverse.close()
        for stream in list(self._streams.values()):
            await stream.drop()
        await self._tasks.cancel_all()
