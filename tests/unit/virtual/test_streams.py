"""The phone's end of a stream, where its computer does not keep to one packet at a time."""

from __future__ import annotations

import pytest

from app.virtual.adbd.packets import AdbCommand, Packet, ProtocolError
from app.virtual.adbd.streams import MAXIMUM_UNREAD, Stream

LOCAL, REMOTE = 1, 2


def opened() -> tuple[Stream, list[Packet]]:
    sent: list[Packet] = []
    stream = Stream(LOCAL, REMOTE, sent.append, 4096)
    stream.accept()
    sent.clear()
    return stream, sent


def write(payload: bytes) -> Packet:
    return Packet(AdbCommand.WRTE, REMOTE, LOCAL, payload)


async def test_what_a_server_sends_at_once_as_its_client_hangs_up_is_read_in_order() -> None:
    stream, sent = opened()
    for payload in (b"one", b"two"):
        await stream.take(write(payload))
    assert sent == []
    assert await stream.read() == b"one"
    assert sent == [Packet(AdbCommand.OKAY, LOCAL, REMOTE)]
    await stream.take(Packet(AdbCommand.CLSE, REMOTE, LOCAL))
    assert [await stream.read(), await stream.read()] == [b"two", b""]
    assert len(sent) == 1


async def test_a_computer_that_never_waits_is_not_listened_to_for_ever() -> None:
    stream, _ = opened()
    for _ in range(MAXIMUM_UNREAD):
        await stream.take(write(b"more"))
    with pytest.raises(ProtocolError, match="unacknowledged"):
        await stream.take(write(b"more"))
    assert await stream.read() == b"more"
    await stream.take(write(b"more"))
