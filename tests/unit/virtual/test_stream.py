"""What a virtual phone reads from a stream, however it was cut into packets."""

from __future__ import annotations

import asyncio

from app.virtual.adbd.packets import AdbCommand, Packet
from app.virtual.adbd.streams import Stream

LOCAL, REMOTE = 1, 2


def test_reading_nothing_loses_nothing() -> None:
    async def read() -> list[bytes]:
        stream = Stream(LOCAL, REMOTE, lambda _: None, 1 << 20)
        stream.accept()
        await stream.take(Packet(AdbCommand.WRTE, REMOTE, LOCAL, b"abcd"))
        await stream.drop()
        return [await stream.read_exactly(size_bytes) for size_bytes in (0, 3, 0, 1)]

    assert asyncio.run(read()) == [b"", b"abc", b"", b"d"]
