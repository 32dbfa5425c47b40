"""ADB packets: a 24-byte header and a payload (AOSP `docs/dev/protocol.md`), without any I/O."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from app.core.facts import Fact, FieldValue

MAXIMUM_PAYLOAD_BYTES = 1 << 20
"""What we announce as maxdata and the largest payload ever read."""

MINIMUM_PAYLOAD_BYTES = 4096
"""The least maxdata a peer may announce; the protocol's first version had this size."""

VERSION_WITH_CHECKSUMS = 0x01000000
VERSION_WITHOUT_CHECKSUMS = 0x01000001

_HEADER = struct.Struct("<6I")
HEADER_BYTES = _HEADER.size


class AdbCommand(IntEnum):
    """The packet kinds we understand; each value is its four letters, little-endian."""

    CNXN = 0x4E584E43
    AUTH = 0x48545541
    OPEN = 0x4E45504F
    OKAY = 0x59414B4F
    WRTE = 0x45545257
    CLSE = 0x45534C43


class ProtocolError(Exception):
    """The peer does not speak ADB as it should; the connection is closed. For the phone's log."""

    def __init__(self, code: str, /, **fields: FieldValue) -> None:
        super().__init__(Fact(code, **fields))


@dataclass(frozen=True)
class PacketHeader:
    """A packet's header; `argument0` and `argument1` mean what the command says."""

    command: AdbCommand
    argument0: int
    argument1: int
    payload_bytes: int
    checksum: int


@dataclass(frozen=True)
class Packet:
    """A whole packet."""

    command: AdbCommand
    argument0: int
    argument1: int
    payload: bytes = b""


def parse_header(data: bytes) -> PacketHeader:
    """Read 24 bytes. Raises `ProtocolError` before anything is allocated for the payload."""
    if len(data) != HEADER_BYTES:
        raise ProtocolError("header.short")
    number, argument0, argument1, payload_bytes, checksum, magic = _HEADER.unpack(data)
    if magic != number ^ 0xFFFFFFFF:
        raise ProtocolError("header.odd_magic")
    if payload_bytes > MAXIMUM_PAYLOAD_BYTES:
        raise ProtocolError("payload.too_large", size=payload_bytes)
    try:
        command = AdbCommand(number)
    except ValueError:
        raise ProtocolError("command.unknown", number=number) from None
    return PacketHeader(command, argument0, argument1, payload_bytes, checksum)


def parse_payload(header: PacketHeader, payload: bytes, *, check: bool) -> Packet:
    """Join header and payload. Raises `ProtocolError` on a wrong checksum, where one is used."""
    if check and checksum(payload) != header.checksum:
        raise ProtocolError("payload.wrong_checksum")
    return Packet(header.command, header.argument0, header.argument1, payload)


def encode(packet: Packet, *, with_checksum: bool) -> bytes:
    """Return the packet's bytes."""
    return (
        _HEADER.pack(
            packet.command,
            packet.argument0,
            packet.argument1,
            len(packet.payload),
            checksum(packet.payload) if with_checksum else 0,
            packet.command ^ 0xFFFFFFFF,
        )
        + packet.payload
    )


def checksum(payload: bytes) -> int:
    """Return the sum of all bytes modulo 2^32 (the field that ADB calls data_crc32)."""
    return sum(payload) & 0xFFFFFFFF
