"""The computer's side of STLS: a phone with wireless debugging goes on in TLS (Android 11)."""

from __future__ import annotations

import socket
import ssl
import struct
from typing import Final

from app.core.errors import PhoneUnauthorizedError

_STLS: Final = 0x534C5453
_STLS_VERSION: Final = 0x01000000
STLS_PACKET: Final = struct.pack("<6I", _STLS, _STLS_VERSION, 0, 0, 0, _STLS ^ 0xFFFFFFFF)
"""An ADB packet without payload; both sides send the same one (AOSP `docs/dev/adb_wifi.md`)."""


def is_tls_request(packet: bytes) -> bool:
    """Tell whether a packet's header asks for TLS, whatever version it names."""
    return packet[:4] == STLS_PACKET[:4] and packet[20:] == STLS_PACKET[20:]


def start_tls(connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Agree to the request and return the secured connection. Raises `OSError`."""
    connection.sendall(STLS_PACKET)
    return context.wrap_socket(connection)


def first_secure_bytes(connection: socket.socket, name: str) -> bytes:
    """Return the first bytes inside TLS: only now does a phone say whether it knows the key.

    Raises `PhoneUnauthorizedError` where it ends the session instead, `OSError` where it is silent.
    """
    try:
        first = connection.recv(len(STLS_PACKET))
    except TimeoutError:
        raise
    except (ssl.SSLError, ConnectionResetError):
        raise not_paired(name) from None
    if not first:
        raise not_paired(name)
    return first


def not_paired(name: str) -> PhoneUnauthorizedError:
    """Return the error that says how to pair."""
    return PhoneUnauthorizedError("phone.not_paired", phone=name)


def receive_up_to(connection: socket.socket, size_bytes: int) -> bytes:
    """Return that many bytes, fewer only where the peer ends before. Raises `OSError`."""
    received = b""
    while len(received) < size_bytes:
        chunk = connection.recv(size_bytes - len(received))
        if not chunk:
            break
        received += chunk
    return received
