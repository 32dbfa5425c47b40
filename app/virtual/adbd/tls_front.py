"""The phone's side of ADB over TLS: STLS, TLS 1.3, then the same packets as ever.

Only computers whose key was paired come through (AOSP adb, `daemon/auth.cpp`). The packets inside
are handed to a `Connection` over a pair of sockets, which need not know of any of it.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress

from OpenSSL import SSL

from app.virtual.adbd.packets import (
    HEADER_BYTES,
    AdbCommand,
    ProtocolError,
    parse_header,
)
from workers.nursery import first_to_end

STLS = 0x534C5453
STLS_VERSION = 0x01000000
STLS_PACKET = struct.pack("<6I", STLS, STLS_VERSION, 0, 0, 0, STLS ^ 0xFFFFFFFF)
_CHUNK_BYTES = 1 << 16
_TIMEOUT_S = 10.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TlsFront:
    """One computer's TLS session on the phone; `begin` first, then `carry` to the end."""

    def __init__(self, outside: Streams, context: SSL.Context) -> None:
        self._reader, self._writer = outside
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()

    async def begin(self) -> bytes:
        """Agree on TLS and return the computer's CNXN packet, which came before it.

        Raises `ProtocolError` where the computer does not speak TLS or has no accepted key.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                opening = await self._read_opening()
                self._writer.write(STLS_PACKET)
                if await self._reader.readexactly(HEADER_BYTES) != STLS_PACKET:
                    raise ProtocolError("tls.not_answered")
                await self._shake_hands()
        except TimeoutError:
            raise ProtocolError("tls.too_late") from None
        except asyncio.IncompleteReadError:
            raise ProtocolError("tls.left") from None
        return opening

    async def carry(self, inside: Streams) -> None:
        """Pass packets between the session and the inner streams until one side ends."""
        reader, writer = inside
        try:
            with suppress(OSError, EOFError, SSL.Error):
                await first_to_end(self._carry_in(writer), self._carry_out(reader))
        finally:
            writer.close()
            self._writer.close()

    async def _read_opening(self) -> bytes:
        data = await self._reader.readexactly(HEADER_BYTES)
        header = parse_header(data)
        if header.command is not AdbCommand.CNXN:
            raise ProtocolError("command.too_early", command=header.command.name)
        return data + await self._reader.readexactly(header.payload_bytes)

    async def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                await self._flush()
                self._tls.bio_write(await self._received())
            except SSL.Error as error:
                await self._flush()
                raise ProtocolError("tls.refused", reason=str(error)) from None
            else:
                await self._flush()
                return

    async def _carry_in(self, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                writer.write(self._tls.recv(_CHUNK_BYTES))
                await writer.drain()
            except SSL.WantReadError:
                await self._flush()
                self._tls.bio_write(await self._received())
            except SSL.Error:
                return

    async def _carry_out(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            self._tls.sendall(data)
            await self._flush()
        self._tls.shutdown()
        await self._flush()

    async def _received(self) -> bytes:
        data = await self._reader.read(_CHUNK_BYTES)
        if not data:
            raise asyncio.IncompleteReadError(data, None)
        return data

    async def _flush(self) -> None:
        while True:
            try:
                self._writer.write(self._tls.bio_read(_CHUNK_BYTES))
            except SSL.WantReadError:
                break
        await self._writer.drain()
