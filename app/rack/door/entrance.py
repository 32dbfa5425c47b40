"""Where the door is: a Unix socket in the home that its owner alone can use."""

from __future__ import annotations

import os
import socket
import struct
from asyncio.trsock import TransportSocket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from app.core.errors import BadInputError, reason_of
from app.rack.home import Home

NAME: Final = "door"
MODE: Final = 0o600
BACKLOG: Final = 32
_CREDENTIALS: Final = struct.Struct("3i")
"""Linux' `struct ucred`: process, user, group (unix(7))."""


def path_of(home: Home) -> Path:
    """Return where the socket of a home lies."""
    return home.folder / NAME


def listen(home: Home) -> socket.socket:
    """Open the socket; whoever does so holds the home's lock, so that an old one is nobody's.

    Raises `BadInputError` where the system has no such sockets there.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listening.fileno(), MODE)  # Linux gives the file the socket's own mode
        path_of(home).unlink(missing_ok=True)
        _at_short_path(home, listening.bind)
        path_of(home).chmod(MODE)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        path = str(path_of(home))
        raise BadInputError("door.not_opened", path=path, reason=reason_of(error)) from None
    return listening


def connect(home: Home, timeout_s: float) -> socket.socket | None:
    """Return a connection to the Shardloom that is open on a home; None where none is."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        _at_short_path(home, connection.connect)
        if is_own(connection):
            return connection
    except OSError:
        pass
    connection.close()
    return None


def is_own(connection: socket.socket | TransportSocket) -> bool:
    """Tell whether the other end runs as this user; elsewhere than on Linux the mode must do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(told)
    return bool(user == os.getuid())


def remove(home: Home) -> None:
    """Take the socket's name away, before the home's lock is given back."""
    with suppress(OSError):
        path_of(home).unlink(missing_ok=True)


def _at_short_path(home: Home, do: Callable[[str], object]) -> None:
    """Name the socket by its folder's descriptor where it can be: a path may have 107 bytes."""
    folder = os.open(home.folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        short = Path(f"/proc/self/fd/{folder}")
        do(str((short if short.exists() else home.folder) / NAME))
    finally:
        os.close(folder)
