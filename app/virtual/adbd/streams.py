"""One ADB stream: bytes both ways, one packet unacknowledged in each direction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from app.virtual.adbd.packets import AdbCommand, Packet, ProtocolError

_PAYLOAD_BYTES = 256 * 1024
"""Largest payload we send; smaller than the limit, so that streams share a slow link fairly."""


MAXIMUM_UNREAD = 4
"""Packets that may wait to be read."""


class StreamClosedError(Exception):
    """The other side closed the stream, or the connection is gone."""


class Stream:
    """The phone's end of a stream that a computer opened, or with a `remote` of 0 is asked to open.

    Reading acknowledges, so a slow reader holds its sender back.
    """

    def __init__(
        self, local: int, remote: int, send: Callable[[Packet], None], maximum_bytes: int
    ) -> None:
        self._local = local
        self._remote = remote
        self._send = send
        self._payload_bytes = min(maximum_bytes, _PAYLOAD_BYTES)
        self._is_accepted = False
        self._arrived: deque[bytes] = deque()
        self._rest = b""
        self._changed = asyncio.Condition()
        self._may_send = False
        self.is_closed = False
        self._has_said_so = False

    def accept(self) -> None:
        """Tell the computer that its service is there."""
        self._is_accepted = True
        self._may_send = True
        self._send(Packet(AdbCommand.OKAY, self._local, self._remote))

    async def dial(self, destination: str) -> bool:
        """Ask the computer for a stream to a destination of its own; tell whether it opened one."""
        self._is_accepted = True
        self._send(Packet(AdbCommand.OPEN, self._local, 0, destination.encode() + b"\0"))
        async with self._changed:
            await self._changed.wait_for(lambda: self._remote or self.is_closed)
        return not self.is_closed

    async def read(self) -> bytes:
        """Return the next bytes, in the size they came; `b""` at the end."""
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        async with self._changed:
            await self._changed.wait_for(lambda: self._arrived or self.is_closed)
        if not self._arrived:
            return b""
        data = self._arrived.popleft()
        if not self.is_closed:
            self._send(Packet(AdbCommand.OKAY, self._local, self._remote))
        return data

    async def read_exactly(self, size_bytes: int) -> bytes:
        """Return that many bytes. Raises `StreamClosedError` where the stream ends before."""
        parts, self._rest = bytearray(self._rest), b""
        while len(parts) < size_bytes:
            data = await self.read()
            if not data:
                raise StreamClosedError
            parts += data
        self._rest = bytes(parts[size_bytes:])
        return bytes(parts[:size_bytes])

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting for each acknowledgement. Raises `StreamClosedError`."""
        for start in range(0, len(data), self._payload_bytes):
            async with self._changed:
                await self._changed.wait_for(lambda: self._may_send or self.is_closed)
            if self.is_closed:
                raise StreamClosedError
            self._may_send = False
            payload = data[start : start + self._payload_bytes]
            self._send(Packet(AdbCommand.WRTE, self._local, self._remote, payload))

    def close(self) -> None:
        """Tell the computer that the service ended, or that there is none of that name.

        Said once, also in answer to the computer's own CLSE.
        """
        self.is_closed = True
        if not self._has_said_so:
            self._has_said_so = True
            local = self._local if self._is_accepted else 0
            self._send(Packet(AdbCommand.CLSE, local, self._remote))

    async def take(self, packet: Packet) -> None:
        """Receive a packet for this stream. Raises `ProtocolError` where too many are not due.

        One unacknowledged WRTE is what the protocol allows. Google's server sends another where
        its client hangs up meanwhile, and adbd takes that.
        """
        if self._remote == 0:
            await self._take_answer(packet)
            return
        if packet.argument0 != self._remote:
            return
        async with self._changed:
            if packet.command is AdbCommand.OKAY:
                self._may_send = True
            elif packet.command is AdbCommand.CLSE:
                self.is_closed = True
            elif not packet.payload:
                self._send(Packet(AdbCommand.OKAY, self._local, self._remote))
            else:
                if len(self._arrived) >= MAXIMUM_UNREAD:
                    raise ProtocolError("stream.write_unacknowledged")
                self._arrived.append(packet.payload)
            self._changed.notify_all()

    async def _take_answer(self, packet: Packet) -> None:
        async with self._changed:
            if packet.command is AdbCommand.OKAY:
                self._remote, self._may_send = packet.argument0, True
            elif packet.command is AdbCommand.CLSE:
                self.is_closed = self._has_said_so = True
            self._changed.notify_all()

    async def drop(self) -> None:
        """End the stream without a word: the connection is gone."""
        async with self._changed:
            self.is_closed = True
            self._has_said_so = True
            self._changed.notify_all()


Service = Callable[[Stream], Awaitable[None]]
"""Serves one stream: accepts it first, returns when it is done."""
