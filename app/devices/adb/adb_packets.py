"""ADB packets as a computer sends and takes them: a 24-byte header and a payload.

Written for version 0x01000000 of the protocol, in which every payload has a checksum (AOSP
`docs/dev/protocol.md`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.core.errors import PhoneLostError

OPEN: Final = b"OPEN"
OKAY: Final = b"OKAY"
WRTE: Final = b"WRTE"
CLSE: Final = b"CLSE"
MAXIMUM_PAYLOAD_BYTES: Final = 1 << 20
"""What the handshake announces."""

_HEADER: Final = struct.Struct("<4s5I")
_ALL_ONES: Final = 0xFFFFFFFF


@dataclass(frozen=True)
class AdbPacket:
    """One packet; the arguments are the sender's and the receiver's number of a stream."""

    command: bytes
    sender: int
    receiver: int
    payload: bytes = b""

    @property
    def header(self) -> bytes:
        """The 24 bytes that go before the payload."""
        magic = int.from_bytes(self.command, "little") ^ _ALL_ONES
        return _HEADER.pack(
            self.command,
            self.sender,
            self.receiver,
            len(self.payload),
            _checksum(self.payload),
            magic,
        )


def read_packet(exactly: Callable[[int], bytes]) -> AdbPacket:
    """Return the next packet; `exactly` returns as many bytes as it is asked for.

    Raises `PhoneLostError` where it does not follow the protocol, before room is made for a
    payload that is too large.
    """
    command, sender, receiver, payload_bytes, checksum, magic = _HEADER.unpack(
        exactly(_HEADER.size)
    )
    if magic != int.from_bytes(command, "little") ^ _ALL_ONES:
        raise PhoneLostError("phone.adb_no_packet")
    if payload_bytes > MAXIMUM_PAYLOAD_BYTES:
        raise PhoneLostError("phone.adb_packet_too_large")
    payload = exactly(payload_bytes) if payload_bytes else b""
    if _checksum(payload) != checksum:
        raise PhoneLostError("phone.adb_checksum_wrong")
    return AdbPacket(command, sender, receiver, payload)


def _checksum(payload: bytes) -> int:
    """Return the sum of all bytes modulo 2^32 (the field that ADB calls data_crc32)."""
    return int(np.frombuffer(payload, np.uint8).sum(dtype=np.uint64)) & _ALL_ONES
