"""Streams joined to loopback connections: what a computer forwards into the phone and out."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from app.virtual.adbd.streams import Service, Stream
from app.virtual.radio.proxy import is_loopback
from app.virtual.radio.shaper import without_delay
from workers.nursery import first_to_end

_READ_BYTES = 256 * 1024


def tunnel(target: str) -> Service | None:
    """Return a tunnel to `PORT` or `PORT:HOST`, or None where that is not a loopback port."""
    port, _, host = target.partition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536 or not is_loopback(host or "localhost"):
        return None

    async def serve(stream: Stream) -> None:
        reader, writer = await asyncio.open_connection(host or "127.0.0.1", int(port))
        without_delay(writer)
        stream.accept()
        try:
            await join(stream, reader, writer)
        finally:
            writer.close()

    return serve


async def join(stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes both ways until either side ends: an ADB stream has no half-close."""

    async def inward() -> None:
        while data := await stream.read():
            writer.write(data)
            await writer.drain()

    async def outward() -> None:
        while data := await reader.read(_READ_BYTES):
            await stream.write(data)

    with suppress(OSError):
        await first_to_end(inward(), outward())
