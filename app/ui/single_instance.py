"""One window a home: a later start hands over what it was asked for and raises the first.

A lock beside the settings says whether there is a window, and ends with its process, whatever ends
that. Only its holder listens; what lies in the way of its socket was left by a crash.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket
from PySide6.QtWidgets import QWidget

from app.core.errors import ShardloomError

_LOCK: Final = "window.lock"
_SOCKET: Final = "window.socket"
_LONGEST_PATH: Final = 100
"""Bytes that the path of a socket may have, a few less than systems allow."""
_LONGEST_LINE: Final = 4096
_MOST_VISITORS: Final = 8
_ANSWER_LIMIT_S: Final = 20.0
"""A window that is still loading answers once it is painted."""
_LOOK_S: Final = 0.05
_GLANCE_S: Final = 0.3
"""Longer than another start holds the lock to see whether it is free."""


@dataclass(frozen=True)
class Start:
    """What a start was asked for that a window can do while it is open; empty where nothing."""

    scene: str = ""
    language: str = ""


@dataclass(frozen=True)
class RunningWindow:
    """What the window that was raised says of itself."""

    rack: str = ""


def ask_running(folder: Path, start: Start) -> RunningWindow | None:
    """Hand a start over to the window of a home; None where there is none.

    Raises `ShardloomError` where there is one and it does not answer.
    """
    deadline_s = time.monotonic() + _ANSWER_LIMIT_S
    while _is_held(folder):
        answer = _exchange(_socket_of(folder), _line(asdict(start)), deadline_s)
        if answer is not None:
            return RunningWindow(_text_of(answer, "rack"))
        if time.monotonic() > deadline_s:
            raise ShardloomError("window.silent", home=str(folder))
        time.sleep(_LOOK_S)
    return None


class WindowTakenError(ShardloomError):
    """Another window was opened on the home meanwhile."""

    def __init__(self, folder: Path) -> None:
        super().__init__("window.taken", home=str(folder))


class SingleInstance(QObject):
    """The window of a home from here on, unless another one is; answers later starts."""

    started = Signal(object)
    """The `Start` of a later one."""

    def __init__(self, folder: Path, rack: str = "") -> None:
        """`rack` is what later starts are told that the window has open."""
        super().__init__()
        self._rack = rack
        self._visitors: list[QLocalSocket] = []
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.setMaxPendingConnections(_MOST_VISITORS)
        self._server.newConnection.connect(self._take)
        self._lock = _lock_of(folder)
        self.alone = _acquired(self._lock, _GLANCE_S)
        """Whether no other window has this home."""
        if self.alone:
            QLocalServer.removeServer(_socket_of(folder))
            self._server.listen(_socket_of(folder))

    @property
    def listening(self) -> bool:
        """Whether later starts are heard."""
        return self._server.isListening()

    def close(self) -> None:
        """Be no longer the one."""
        self._server.close()
        self._lock.release()

    def _take(self) -> None:
        while self._server.hasPendingConnections():
            socket = self._server.nextPendingConnection()
            if len(self._visitors) >= _MOST_VISITORS:
                self._visitors.pop(0).abort()
            self._visitors.append(socket)
            socket.setReadBufferSize(_LONGEST_LINE)
            socket.readyRead.connect(partial(self._read, socket))
            socket.disconnected.connect(partial(self._forget, socket))
            self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        """Answer a whole line; who sends more than one line's length is no start of ours."""
        if not socket.canReadLine():
            if socket.bytesAvailable() >= _LONGEST_LINE:
                socket.abort()
            return
        asked = _record(bytes(socket.readLine(_LONGEST_LINE).data()))
        socket.write(_line({"rack": self._rack}))
        socket.disconnectFromServer()
        if asked is not None:
            self.started.emit(Start(_text_of(asked, "scene"), _text_of(asked, "language")))

    def _forget(self, socket: QLocalSocket) -> None:
        if socket in self._visitors:
            self._visitors.remove(socket)
        socket.deleteLater()


def claim(folder: Path, rack: str) -> SingleInstance:
    """Be the window of a home. Raises `WindowTakenError` where another one is."""
    instance = SingleInstance(folder, rack)
    if not instance.alone:
        raise WindowTakenError(folder)
    return instance


def come_forward(window: QWidget) -> None:
    """Show a window before the others, also where it was minimised."""
    window.setWindowState(window.windowState() & ~window.windowState().WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder / _LOCK, timeout=0, thread_local=False, mode=0o600)


def _acquired(lock: FileLock, patience_s: float = 0) -> bool:
    with suppress(OSError):  # the home cannot be written: opening the rack says so
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=patience_s)
        except Timeout:
            return False
    return True


def _is_held(folder: Path) -> bool:
    if not (folder / _LOCK).exists():
        return False
    lock = _lock_of(folder)
    free = _acquired(lock)
    lock.release()
    return not free


def _socket_of(folder: Path) -> str:
    """Return the socket's path, or a name among temporary files where the path is too long."""
    path = folder.resolve() / _SOCKET
    if os.name == "posix" and len(os.fsencode(path)) <= _LONGEST_PATH:
        return str(path)
    return f"shardloom-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]}"


def _exchange(name: str, line: bytes, deadline_s: float) -> Mapping[str, object] | None:
    """Send a line and return what is answered; None where nothing is before the deadline."""
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(_left_ms(deadline_s)):
        return None
    socket.write(line)
    while not socket.canReadLine() and socket.waitForReadyRead(_left_ms(deadline_s)):
        pass
    return _record(bytes(socket.readLine(_LONGEST_LINE).data()))


def _left_ms(deadline_s: float) -> int:
    return max(int((deadline_s - time.monotonic()) * 1000), 0)


def _line(record: Mapping[str, object]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _record(line: bytes) -> Mapping[str, object] | None:
    try:
        held = json.loads(line)
    except ValueError:
        return None
    return held if isinstance(held, dict) else None


def _text_of(record: Mapping[str, object], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""
