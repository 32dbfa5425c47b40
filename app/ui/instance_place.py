"""Where the window of a home is found: its lock, its socket, and the lines that go through that."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from PySide6.QtNetwork import QLocalSocket

LOCK: Final = "window.lock"
SOCKET: Final = "window.socket"
LONGEST_LINE: Final = 4096
_LONGEST_PATH: Final = 100
"""Bytes that the path of a socket may have, a few less than systems allow."""


def lock_of(folder: Path) -> FileLock:
    """Return the lock that the window of a home holds."""
    return FileLock(folder / LOCK, timeout=0, thread_local=False, mode=0o600)


def acquired(lock: FileLock, patience_s: float = 0) -> bool:
    """Take a lock; false where somebody else keeps it."""
    with suppress(OSError):  # the home cannot be written: opening the rack says so
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=patience_s)
        except Timeout:
            return False
    return True


def is_held(folder: Path) -> bool:
    """Tell whether there is a window on a home."""
    if not (folder / LOCK).exists():
        return False
    lock = lock_of(folder)
    free = acquired(lock)
    lock.release()
    return not free


def socket_of(folder: Path) -> str:
    """Return the socket's path, or a name among temporary files where the path is too long."""
    path = folder.resolve() / SOCKET
    if os.name == "posix" and len(os.fsencode(path)) <= _LONGEST_PATH:
        return str(path)
    return f"shardloom-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]}"


def exchange(name: str, line: bytes, deadline_s: float) -> Mapping[str, object] | None:
    """Send a line and return what is answered; None where nothing is before the deadline."""
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(_left_ms(deadline_s)):
        return None
    socket.write(line)
    while not socket.canReadLine() and socket.waitForReadyRead(_left_ms(deadline_s)):
        pass
    return record_of(bytes(socket.readLine(LONGEST_LINE).data()))


def _left_ms(deadline_s: float) -> int:
    return max(int((deadline_s - time.monotonic()) * 1000), 0)


def line_of(record: Mapping[str, object]) -> bytes:
    """Return a record as a line."""
    return json.dumps(record).encode() + b"\n"


def record_of(line: bytes) -> Mapping[str, object] | None:
    """Return the record of a line; None where it is none."""
    try:
        held = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return held if isinstance(held, dict) else None


def text_of(record: Mapping[str, object], name: str) -> str:
    """Return a field that is a text; empty where it is none."""
    value = record.get(name)
    return value if isinstance(value, str) else ""
