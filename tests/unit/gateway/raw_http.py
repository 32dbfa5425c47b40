"""HTTP by hand, for what a good client would never send."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.gateway.server import Gateway

TIMEOUT_S = 120.0
"""Ends what hangs: a soak on a busy computer may wait longer than half a minute for its turn."""


@dataclass(frozen=True)
class Answered:
    """A status, headers with small names, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.body)["error"]


def connect(gateway: Gateway, received_bytes: int | None = None) -> socket.socket:
    """Return a connection; the system keeps at most so many bytes for who does not read them."""
    address = urlsplit(gateway.address)
    connection = socket.socket()
    connection.settimeout(TIMEOUT_S)
    if received_bytes is not None:  # counts from the handshake on
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received_bytes)
    connection.connect((address.hostname, address.port))
    return connection


def post(
    gateway: Gateway,
    path: str,
    body: bytes,
    kind: str = "application/json",
    host: str = "localhost",
) -> Answered:
    """Send a body and return the whole answer."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return exchange(gateway, head.encode() + body)


def get(gateway: Gateway, path: str, host: str = "localhost") -> Answered:
    """Ask for a path and return the whole answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    return exchange(gateway, request.encode())


def exchange(gateway: Gateway, request: bytes) -> Answered:
    """Send bytes as they are and return what comes until the connection is closed."""
    with connect(gateway) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    return Answered(int(first.split()[1]), headers, body)
