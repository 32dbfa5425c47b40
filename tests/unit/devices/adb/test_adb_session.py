"""An ADB connection of our own against a phone that does what it likes, over a pair of sockets."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue
from typing import cast

import pytest
from adb_shell.transport.base_transport import BaseTransport
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import PhoneLostError
from app.devices.adb.adb_packets import (
    CLSE,
    MAXIMUM_PAYLOAD_BYTES,
    OKAY,
    OPEN,
    WRTE,
    AdbPacket,
    read_packet,
)
from app.devices.adb.adb_session import MAXIMUM_STREAMS, AdbSession
from app.devices.adb.adb_stream import MAXIMUM_UNREAD, AdbStream
from app.devices.adb.keys import HostKey
from app.devices.adb.shared_socket import SharedSocket
from app.devices.errors import PhoneRefusedError
from tests.saying import raises_saying

TIMEOUT_S = 30.0
CNXN = b"CNXN"
NO_KEY = cast(HostKey, None)
"""The phone asks for none."""


class SocketTransport(BaseTransport):  # type: ignore[misc] # adb-shell has no types
    """Packets over one end of a pair of sockets."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = SharedSocket(end)

    def connect(self, _timeout_s: float | None) -> None:
        """The pair is connected from the start."""

    def close(self) -> None:
        pass

    def end(self) -> None:
        self._socket.close()

    def bulk_read(self, size_bytes: int, timeout_s: float | None) -> bytes:
        try:
            data = self._socket.receive(size_bytes, timeout_s)
        except OSError as error:
            raise PhoneLostError(str(error)) from None
        if not data:
            raise PhoneLostError("The phone left.")
        return data

    def bulk_write(self, data: bytes, timeout_s: float | None) -> int:
        try:
            self._socket.send(data, timeout_s)
        except OSError as error:
            raise PhoneLostError(str(error)) from None
        return len(data)


class Phone:
    """The other end, moved by hand."""

    def __init__(self) -> None:
        ours, self.socket = socket.socketpair()
        self.socket.settimeout(TIMEOUT_S)
        self.transport = SocketTransport(ours)
        self.opened: Queue[tuple[str, AdbStream]] = Queue()
        self.session = AdbSession(
            self.transport, lambda name, stream: self.opened.put((name, stream))
        )
        self.pool = ThreadPoolExecutor(4)

    def connect(self) -> None:
        connecting = self.pool.submit(
            self.session.connect,
            NO_KEY,
            TIMEOUT_S,
            TIMEOUT_S,
            lambda _: None,
        )
        assert self.receive().command == CNXN
        self.send(AdbPacket(CNXN, 0x01000000, 4096, b"device::"))
        connecting.result(TIMEOUT_S)

    def send(self, packet: AdbPacket) -> None:
        self.socket.sendall(packet.header + packet.payload)

    def receive(self) -> AdbPacket:
        return read_packet(self._exactly)

    def serve(self, timeout_s: float | None = TIMEOUT_S) -> tuple[AdbStream, int]:
        """Open a service; return our stream and its number."""
        opening: Future[AdbStream] = self.pool.submit(self.session.open, "tcp:1", timeout_s)
        asked = self.receive()
        assert (asked.command, asked.payload) == (OPEN, b"tcp:1\0")
        self.send(AdbPacket(OKAY, 77, asked.sender))
        return opening.result(TIMEOUT_S), asked.sender

    def _exactly(self, size_bytes: int) -> bytes:
        data = b""
        while len(data) < size_bytes:
            data += self.socket.recv(size_bytes - len(data))
        return data


def for_ever(action: Callable[[], object]) -> None:
    while True:
        action()


PACKETS = st.tuples(
    st.sampled_from([OPEN, OKAY, WRTE, CLSE]),
    st.integers(0, 4),
    st.integers(0, 4),
    st.binary(max_size=40),
)


@pytest.fixture
def phone() -> Iterator[Phone]:
    phone = Phone()
    phone.connect()
    yield phone
    phone.transport.end()
    phone.socket.close()
    phone.session.close()
    phone.pool.shutdown()


def test_streams_of_both_sides_go_on_side_by_side(phone: Phone) -> None:
    first, number = phone.serve()
    phone.send(AdbPacket(OPEN, 5, 0, b"tcp:2\0"))
    name, other = phone.opened.get(timeout=TIMEOUT_S)
    assert name == "tcp:2"
    other.accept()
    assert phone.receive() == AdbPacket(OKAY, other.local, 5)
    phone.send(AdbPacket(WRTE, 5, other.local, b"to the other"))
    phone.send(AdbPacket(WRTE, 77, number, b"to the first"))
    assert first.receive() == b"to the first"
    assert phone.receive() == AdbPacket(OKAY, number, 77)
    assert other.receive() == b"to the other"
    assert phone.receive() == AdbPacket(OKAY, other.local, 5)


def test_a_packet_is_sent_once_the_one_before_was_taken(phone: Phone) -> None:
    stream, number = phone.serve()
    content = bytes(range(256)) * 40
    sending = phone.pool.submit(stream.send, content)
    received = b""
    while len(received) < len(content):
        packet = phone.receive()
        assert packet.command == WRTE
        assert len(packet.payload) <= 4096
        received += packet.payload
        phone.send(AdbPacket(OKAY, 77, number))
    sending.result(TIMEOUT_S)
    assert received == content


def test_a_refused_service_and_a_silent_one_are_told_apart(phone: Phone) -> None:
    opening = phone.pool.submit(phone.session.open, "tcp:9", TIMEOUT_S)
    phone.send(AdbPacket(CLSE, 0, phone.receive().sender))
    with pytest.raises(PhoneRefusedError):
        opening.result(TIMEOUT_S)
    with raises_saying(PhoneLostError, match="does not answer"):
        phone.session.open("tcp:9", 0.05)
    assert phone.receive().command == OPEN
    assert phone.serve()[0]


def test_closing_a_stream_wakes_whoever_waits_for_it(phone: Phone) -> None:
    stream, number = phone.serve(timeout_s=None)
    waiting = phone.pool.submit(stream.receive)
    stream.close()
    assert waiting.result(TIMEOUT_S) == b""
    assert phone.receive() == AdbPacket(CLSE, number, 77)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (b"\xff" * 24, "not a packet"),
        (struct.pack("<4s5I", WRTE, 1, 1, MAXIMUM_PAYLOAD_BYTES + 1, 0, 0xBAABADA8), "too large"),
        (struct.pack("<4s5I", WRTE, 1, 1, 1, 7, 0xBAABADA8) + b"x", "checksum"),
    ],
)
def test_what_is_no_packet_ends_the_connection_with_a_reason(
    phone: Phone, bad: bytes, told: str
) -> None:
    stream, _ = phone.serve(timeout_s=None)
    phone.socket.sendall(bad)
    with raises_saying(PhoneLostError, match=told):
        stream.receive()
    with raises_saying(PhoneLostError, match=told):
        phone.session.open("tcp:1", TIMEOUT_S)


def test_a_phone_that_sends_on_and_on_does_not_fill_the_memory(phone: Phone) -> None:
    stream, number = phone.serve(timeout_s=None)
    for _ in range(MAXIMUM_UNREAD + 1):
        phone.send(AdbPacket(WRTE, 77, number, b"more"))
    with raises_saying(PhoneLostError, match="rushes"):
        phone.session.open("tcp:1", TIMEOUT_S)
    with raises_saying(PhoneLostError, match="rushes"):
        for_ever(stream.receive)


def test_a_phone_that_opens_streams_without_end_is_let_go(phone: Phone) -> None:
    for number in range(1, MAXIMUM_STREAMS + 2):
        phone.send(AdbPacket(OPEN, number, 0, b"tcp:1\0"))
    with raises_saying(PhoneLostError, match="Too many streams"):
        for_ever(lambda: phone.session.open("tcp:1", TIMEOUT_S).close())


@settings(max_examples=60, deadline=None)
@given(packets=st.lists(PACKETS, max_size=30))
def test_packets_in_any_order_leave_a_connection_that_works_or_says_why_not(
    packets: list[tuple[bytes, int, int, bytes]],
) -> None:
    phone = Phone()
    phone.connect()
    try:
        for packet in packets:
            phone.send(AdbPacket(*packet))
        phone.socket.close()
        with pytest.raises(PhoneLostError):
            for_ever(lambda: phone.session.open("tcp:1", TIMEOUT_S))
    finally:
        phone.transport.end()
        phone.session.close()
        phone.pool.shutdown()
