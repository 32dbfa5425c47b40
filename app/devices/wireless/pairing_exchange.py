"""The pairing protocol inside TLS, the same for both sides (AOSP adb, `pairing_connection.cpp`).

Packets are `>BBI`: version, kind, size. First SPAKE2 messages, then each side's `PeerInfo` under
AES-128-GCM, whose authentication fails where the codes differ.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.devices.wireless.spake2 import PairingRole, PartyNames, Spake2
from app.devices.wireless.tls_channel import ChannelEndedError, TlsChannel

NAMES: Final = PartyNames(b"adb pair client\0", b"adb pair server\0")
PEER_INFO_BYTES: Final = 8192
MAXIMUM_PAYLOAD_BYTES: Final = 2 * PEER_INFO_BYTES
_EXPORTER_LABEL: Final = b"adb-label\0"
_EXPORTED_BYTES: Final = 64
_KEY_INFO: Final = b"adb pairing_auth aes-128-gcm key"
_FIRST_NONCE: Final = bytes(12)
"""An 8-byte counter from 0 and four zero bytes; a key protects one message each way."""
_VERSION: Final = 1
_HEADER: Final = struct.Struct(">BBI")


class PacketKind(IntEnum):
    """What a pairing packet carries."""

    SPAKE2_MESSAGE = 0
    PEER_INFO = 1


class PeerInfoKind(IntEnum):
    """What a side tells of itself: the computer its public key, the phone its name (GUID)."""

    PUBLIC_KEY = 0
    DEVICE_GUID = 1


@dataclass(frozen=True)
class PeerInfo:
    """A side's kind and text, without the zeros that fill it up."""

    kind: int
    data: bytes


class WrongCodeError(Exception):
    """The other side has another code."""


class PairingSession:
    """One pairing over an agreed TLS channel: `agree`, then both sides tell of themselves once.

    Raises `ChannelEndedError` where the peer leaves or breaks the protocol.
    """

    def __init__(self, channel: TlsChannel) -> None:
        self._channel = channel
        self._cipher: AESGCM | None = None

    def agree(self, role: PairingRole, code: str) -> None:
        """Derive a key from the code; whether the peer has the same shows only afterwards."""
        password = code.encode() + self._channel.exported(_EXPORTER_LABEL, _EXPORTED_BYTES)
        spake2 = Spake2(role, NAMES, password)
        _send(self._channel, PacketKind.SPAKE2_MESSAGE, spake2.message)
        try:
            shared = spake2.key(_receive(self._channel, PacketKind.SPAKE2_MESSAGE))
        except ValueError:
            raise ChannelEndedError("channel.odd_key_exchange") from None
        self._cipher = AESGCM(HKDF(hashes.SHA256(), 16, None, _KEY_INFO).derive(shared))

    def tell(self, own: PeerInfo) -> None:
        """Tell the peer of ourselves."""
        encrypted = self._agreed().encrypt(_FIRST_NONCE, _padded(own), None)
        _send(self._channel, PacketKind.PEER_INFO, encrypted)

    def hear(self) -> PeerInfo:
        """Return what the peer tells of itself. Raises `WrongCodeError`."""
        encrypted = _receive(self._channel, PacketKind.PEER_INFO)
        try:
            told = self._agreed().decrypt(_FIRST_NONCE, encrypted, None)
        except InvalidTag:
            raise WrongCodeError from None
        if len(told) != PEER_INFO_BYTES:
            raise ChannelEndedError("channel.odd_peer_information", size=len(told))
        return PeerInfo(told[0], told[1:].rstrip(b"\0"))

    def _agreed(self) -> AESGCM:
        if self._cipher is None:
            raise ChannelEndedError("channel.nothing_agreed")
        return self._cipher


def _padded(info: PeerInfo) -> bytes:
    if len(info.data) >= PEER_INFO_BYTES:
        raise ValueError(len(info.data))
    return bytes([info.kind]) + info.data.ljust(PEER_INFO_BYTES - 1, b"\0")


def _send(channel: TlsChannel, kind: PacketKind, payload: bytes) -> None:
    channel.send(_HEADER.pack(_VERSION, kind, len(payload)) + payload)


def _receive(channel: TlsChannel, kind: PacketKind) -> bytes:
    version, told, size_bytes = _HEADER.unpack(channel.exactly(_HEADER.size))
    if version != _VERSION or told != kind or not 0 < size_bytes <= MAXIMUM_PAYLOAD_BYTES:
        raise ChannelEndedError("channel.odd_packet", version=version, kind=told, size=size_bytes)
    return channel.exactly(size_bytes)
