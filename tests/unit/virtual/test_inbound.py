"""What others open to a virtual phone: taken over its radio to where its programs listen."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from logging.handlers import BufferingHandler
from pathlib import Path

import pytest

from app.virtual.radio import inbound as inbound_module
from app.virtual.radio import own_address
from app.virtual.radio.inbound import Inbound
from app.virtual.radio.listening_ports import listening_ports
from app.virtual.radio.own_address import OwnAddress
from app.virtual.radio.shaper import Radio, RadioLine

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="NOT PROVEN HERE: loopback has one address on this system"
)
LATENCY_S = 0.02
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0203547F:C350 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: 0203547F:C351 0203547F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4 1
   4: 0203547F:C352 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1
"""


@pytest.fixture
def own() -> Iterator[OwnAddress]:
    claimed = OwnAddress.claimed()
    assert claimed is not None
    yield claimed
    claimed.release()


@asynccontextmanager
async def echo_of_a_program(own: OwnAddress) -> AsyncIterator[int]:
    """A program of the phone that sends back what it gets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, own.inner, 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


@contextmanager
def told_to_the_log() -> Iterator[list[logging.LogRecord]]:
    """Yield what the module logs meanwhile."""
    handler = BufferingHandler(capacity=100)
    logger = logging.getLogger(inbound_module.__name__)
    logger.addHandler(handler)
    try:
        yield handler.buffer
    finally:
        logger.removeHandler(handler)


@asynccontextmanager
async def listening(own: OwnAddress, radio: Radio) -> AsyncIterator[Inbound]:
    inbound = Inbound(radio, own)
    with told_to_the_log() as said:
        try:
            yield inbound
        finally:
            await inbound.close()
    assert said == []


def test_no_two_phones_have_the_same_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_address, "_OUTER", f"127.{100 + os.getpid() % 100}")
    one, other = OwnAddress.claimed(), OwnAddress.claimed()
    assert one is not None
    assert other is not None
    assert len({one.outer, one.inner, other.outer, other.inner}) == 4
    one.release()
    again = OwnAddress.claimed()
    assert again is not None
    assert again.outer == one.outer
    for each in (other, again):
        each.release()


def test_ports_are_read_of_one_address_and_no_further_than_there_are_listeners(
    tmp_path: Path,
) -> None:
    table = tmp_path / "tcp"
    table.write_text(TABLE)
    assert listening_ports("127.84.3.2", table) == {50000}
    assert listening_ports("127.0.0.1", table) == {8080}
    assert listening_ports("127.84.3.3", table) == frozenset()


async def test_both_ways_of_what_others_open_take_as_long_as_the_radio_says(
    own: OwnAddress,
) -> None:
    radio = Radio(RadioLine(LATENCY_S, math.inf), RadioLine(2 * LATENCY_S, math.inf))
    loop = asyncio.get_running_loop()
    async with echo_of_a_program(own) as port, listening(own, radio) as inbound:
        inbound.follow()
        reader, writer = await asyncio.open_connection(own.outer, port)
        began_s = loop.time()
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"ping"
        assert loop.time() - began_s >= 3 * LATENCY_S
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()


async def test_phones_that_open_and_are_opened_to_share_one_radio(own: OwnAddress) -> None:
    """What is sent by one connection delays what comes by another: the line is the same."""
    down = RadioLine(0.0, 1e6)
    loop = asyncio.get_running_loop()
    async with (
        echo_of_a_program(own) as port,
        listening(own, Radio(RadioLine(0.0, math.inf), down)) as inbound,
    ):
        inbound.follow()
        reader, writer = await asyncio.open_connection(own.outer, port)
        began_s = loop.time()
        down.delivery_s(began_s, 200_000)
        writer.write(b"late")
        assert await reader.readexactly(4) == b"late"
        assert loop.time() - began_s >= 0.2
        writer.close()


async def test_a_port_is_open_as_long_as_a_program_listens(own: OwnAddress) -> None:
    async with listening(own, Radio.unlimited()) as inbound:
        async with echo_of_a_program(own) as port:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(own.outer, port)
            inbound.follow()
            inbound.follow()
            _, writer = await asyncio.open_connection(own.outer, port)
            writer.close()
        inbound.follow()
        await closed(own.outer, port)


async def closed(host: str, port: int) -> None:
    """Wait until nobody listens there any more."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except ConnectionRefusedError:
                return
            except ConnectionResetError:  # it was about to be accepted when the port was closed
                continue
            writer.close()


async def test_a_program_that_ended_meanwhile_is_an_ended_connection(own: OwnAddress) -> None:
    async with listening(own, Radio.unlimited()) as inbound:
        async with echo_of_a_program(own) as port:
            inbound.follow()
        reader, writer = await asyncio.open_connection(own.outer, port)
        assert await reader.read() == b""
        writer.close()
