"""The packet parser takes anything a hostile peer may send and either reads it or refuses it."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.virtual.adbd.packets import (
    HEADER_BYTES,
    MAXIMUM_PAYLOAD_BYTES,
    AdbCommand,
    Packet,
    ProtocolError,
    checksum,
    encode,
    parse_header,
    parse_payload,
)

packets = st.builds(
    Packet,
    st.sampled_from(AdbCommand),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=300),
)


@given(packets, st.booleans())
def test_a_packet_survives_the_wire(packet: Packet, with_checksum: bool) -> None:  # noqa: FBT001 - drawn
    data = encode(packet, with_checksum=with_checksum)
    header = parse_header(data[:HEADER_BYTES])
    assert header.payload_bytes == len(packet.payload)
    assert parse_payload(header, data[HEADER_BYTES:], check=with_checksum) == packet


@given(st.binary(max_size=64))
@settings(max_examples=500)
@example(b"\0" * HEADER_BYTES)
@example(b"\xff" * HEADER_BYTES)
def test_random_bytes_are_refused_and_nothing_else_happens(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        header = parse_header(data)
        assert header.payload_bytes <= MAXIMUM_PAYLOAD_BYTES


@given(packets.filter(lambda packet: packet.payload), st.data())
def test_a_changed_payload_fails_its_checksum(packet: Packet, data: st.DataObject) -> None:
    encoded = encode(packet, with_checksum=True)
    position = data.draw(st.integers(0, len(packet.payload) - 1))
    changed = bytearray(packet.payload)
    changed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProtocolError, match="checksum"):
        parse_payload(parse_header(encoded[:HEADER_BYTES]), bytes(changed), check=True)


def test_a_payload_over_the_limit_is_refused_by_its_header() -> None:
    size_bytes = MAXIMUM_PAYLOAD_BYTES + 1
    header = struct.pack("<6I", AdbCommand.WRTE, 1, 1, size_bytes, 0, AdbCommand.WRTE ^ 0xFFFFFFFF)
    with pytest.raises(ProtocolError, match=str(size_bytes)):
        parse_header(header)


def test_the_checksum_is_a_sum_of_bytes() -> None:
    assert checksum(b"\xff" * 3) == 765
