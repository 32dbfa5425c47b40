"""The shaper's arithmetic, and that what goes through it arrives whole and in order."""

from __future__ import annotations

import asyncio
import math
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.virtual.radio.proxy import Proxy, is_loopback
from app.virtual.radio.shaper import (
    BEACON_S,
    SEGMENT_BYTES,
    SHORTEST_TIMEOUT_S,
    Radio,
    RadioLine,
)

LATENCY_S = 0.02


def radio(latency_s: float = 0.0, bytes_per_second: float = math.inf) -> Radio:
    return Radio(RadioLine(latency_s, bytes_per_second), RadioLine(latency_s, bytes_per_second))


def test_latency_is_paid_once_by_chunks_sent_together() -> None:
    line = RadioLine(LATENCY_S, math.inf)
    assert [line.delivery_s(1.0, 1000) for _ in range(3)] == [1.0 + LATENCY_S] * 3


def test_a_line_takes_as_long_as_its_bandwidth_says() -> None:
    line = RadioLine(0.5, 1000.0)
    assert line.delivery_s(10.0, 2000) == pytest.approx(12.5)
    assert line.delivery_s(10.0, 1000) == pytest.approx(13.5)
    assert line.delivery_s(100.0, 1000) == pytest.approx(101.5)


def test_each_lost_segment_costs_one_retransmission_timeout() -> None:
    line = RadioLine(0.0, math.inf, loss=0.25, chance=random.Random(7))  # noqa: S311 - no secret
    same = random.Random(7)  # noqa: S311 - no secret
    for segments in (1, 3, 12, 0):
        lost = sum(same.random() < 0.25 for _ in range(segments))
        due_s = line.delivery_s(5.0, segments * SEGMENT_BYTES)
        assert due_s == pytest.approx(5.0 + lost * SHORTEST_TIMEOUT_S)


def test_a_timeout_is_two_round_trips_where_those_take_longer() -> None:
    line = RadioLine(0.1, math.inf, loss=1.0)
    assert line.delivery_s(0.0, 1) == pytest.approx(0.1 + 0.4)


def test_a_sleeping_radio_delivers_at_its_beacons_alone() -> None:
    shape = radio(latency_s=0.01)
    shape.sleep(asleep=True)
    for now_s in (0.0, 1.0, 2.5):
        beacons = shape.down.delivery_s(now_s, 1) / BEACON_S
        assert beacons == pytest.approx(round(beacons))
        assert shape.up.delivery_s(now_s, 1) >= now_s + 0.01
    shape.sleep(asleep=False)
    assert shape.down.delivery_s(7.0, 1) == pytest.approx(7.01)


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 10**6)), max_size=30))
def test_nothing_overtakes_and_the_rate_is_never_exceeded(sends: list[tuple[float, int]]) -> None:
    line, now_s, sent, before_s = RadioLine(0.01, 1e6), 0.0, 0, 0.0
    for pause_s, size_bytes in sends:
        now_s += pause_s
        sent += size_bytes
        due_s = line.delivery_s(now_s, size_bytes)
        assert due_s >= before_s
        assert due_s + 1e-6 >= sent / 1e6 + 0.01
        before_s = due_s


@asynccontextmanager
async def proxied(shape: Radio | Proxy, target: str, port: int) -> AsyncIterator[socket.socket]:
    """Yield a non-blocking socket connected to a local echo through a proxy."""
    proxy = await (shape if isinstance(shape, Proxy) else Proxy(shape)).listen()
    loop = asyncio.get_running_loop()
    client = socket.socket()
    client.setblocking(False)
    try:
        await loop.sock_connect(client, proxy.sockets[0].getsockname())
        await loop.sock_sendall(client, b"\x05\x01\x00")
        assert await loop.sock_recv(client, 2) == b"\x05\x00"
        name = target.encode()
        request = b"\x05\x01\x00\x03" + bytes((len(name),)) + name + port.to_bytes(2, "big")
        await loop.sock_sendall(client, request)
        yield client
    finally:
        client.close()
        proxy.close()


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_round_trip_pays_the_latency_in_each_direction() -> None:
    loop = asyncio.get_running_loop()
    async with echo() as port, proxied(radio(LATENCY_S), "localhost", port) as client:
        assert (await loop.sock_recv(client, 10))[1] == 0
        began_s = loop.time()
        await loop.sock_sendall(client, b"ping")
        assert await loop.sock_recv(client, 10) == b"ping"
        assert loop.time() - began_s >= 2 * LATENCY_S


async def test_a_transfer_is_held_to_the_bandwidth_and_arrives_whole() -> None:
    loop = asyncio.get_running_loop()
    payload = bytes(range(256)) * 800
    async with echo() as port, proxied(radio(0.0, 1e6), "127.0.0.1", port) as client:
        assert (await loop.sock_recv(client, 10))[1] == 0
        began_s = loop.time()
        sending = asyncio.create_task(loop.sock_sendall(client, payload))
        arrived = bytearray()
        while len(arrived) < len(payload):
            arrived += await loop.sock_recv(client, 65536)
        await sending
        assert arrived == payload
        assert loop.time() - began_s >= len(payload) / 1e6


async def test_the_end_of_one_direction_is_passed_on_and_the_other_goes_on() -> None:
    loop = asyncio.get_running_loop()
    async with echo() as port, proxied(radio(0.001), "127.0.0.1", port) as client:
        assert (await loop.sock_recv(client, 10))[1] == 0
        await loop.sock_sendall(client, b"last words")
        client.shutdown(socket.SHUT_WR)
        assert await loop.sock_recv(client, 100) == b"last words"
        assert await loop.sock_recv(client, 100) == b""


@pytest.mark.parametrize("target", ["192.0.2.1", "example.org", "127.0.0.1"])
async def test_a_target_out_of_reach_stays_silent_until_the_client_gives_up(target: str) -> None:
    async with proxied(radio(), target, 1) as client:
        client.shutdown(socket.SHUT_WR)
        assert await asyncio.get_running_loop().sock_recv(client, 10) == b""


async def test_a_phone_that_reaches_no_others_reaches_its_own_ports_past_its_radio() -> None:
    loop = asyncio.get_running_loop()
    async with echo() as own, echo() as other:
        slow = radio(latency_s=60.0)
        only_own = Proxy(slow, lambda: frozenset({own}), outward=False)
        async with proxied(only_own, "127.0.0.1", own) as client:
            assert (await loop.sock_recv(client, 10))[1] == 0
            await loop.sock_sendall(client, b"ping")
            assert await loop.sock_recv(client, 10) == b"ping"
        async with proxied(only_own, "127.0.0.1", other) as client:
            client.shutdown(socket.SHUT_WR)
            assert await loop.sock_recv(client, 10) == b""


async def test_a_client_that_speaks_another_protocol_is_cut_off() -> None:
    proxy = await Proxy(radio()).listen()
    port = proxy.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n" + b"x" * 100 + b"\r\n\r\n")
    async with asyncio.timeout(60):
        assert await reader.read() in {b"", b"\x05\xff"}
    writer.close()
    proxy.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_is_recognised(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1.example.org", "", "10.0.0.1", "::"])  # noqa: S104 - refused
def test_nothing_else_is_loopback(host: str) -> None:
    assert not is_loopback(host)
