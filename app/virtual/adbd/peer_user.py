"""Whose program is at the other end of a loopback connection, where the kernel says so."""

from __future__ import annotations

import socket
import sys

from app.virtual.radio.listening_ports import TABLE

_LOCAL_COLUMN, _REMOTE_COLUMN, _USER_COLUMN = 1, 2, 7


def peer_user_id(peer: tuple[str, int], own: tuple[str, int]) -> int | None:
    """Return the user that holds the peer's end of an IPv4 connection on this machine.

    None where it cannot be known: no Linux, or the end is already closed.
    """
    try:
        lines = TABLE.read_text().splitlines()[1:]
    except OSError:
        return None
    wanted = [_encoded(peer), _encoded(own)]
    for line in lines:
        columns = line.split()
        if columns[_LOCAL_COLUMN : _REMOTE_COLUMN + 1] == wanted:
            return int(columns[_USER_COLUMN])
    return None


def _encoded(end: tuple[str, int]) -> str:
    """Return an address as the kernel's table writes it: a number in host order, in hexadecimal."""
    number = int.from_bytes(socket.inet_aton(end[0]), sys.byteorder)
    return f"{number:08X}:{end[1]:04X}"
