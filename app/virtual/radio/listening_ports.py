"""Which ports programs listen on at an address, as Linux lists them."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

TABLE = Path("/proc/net/tcp")
"""All IPv4 sockets, as proc(5) tells them."""
_LISTENING = "0A"


def listening_ports(address: str, table: Path = TABLE) -> frozenset[int]:
    """Return the TCP ports on which somebody listens at exactly that IPv4 address.

    Linux lists who listens before all connections, so that no more is read of a long table.
    """
    (number,) = struct.unpack("=I", socket.inet_aton(address))
    wanted = f"{number:08X}"
    ports = set()
    with table.open() as lines:
        next(lines)
        for line in lines:
            _, local, _, state, *_ = line.split()
            if state != _LISTENING:
                break
            host, _, port = local.partition(":")
            if host == wanted:
                ports.add(int(port, 16))
    return frozenset(ports)
