"""One window a home: a later start hands over what it was asked for and raises the first.

A lock beside the settings says whether there is a window, and ends with its process, whatever ends
that. Only its holder listens; what lies in the way of its socket was left by a crash.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket
from PySide6.QtWidgets import QWidget

from app.core.errors import ShardloomError
from app.ui.instance_place import (
    LONGEST_LINE,
    acquired,
    exchange,
    is_held,
    line_of,
    lock_of,
    record_of,
    socket_of,
    text_of,
)

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
    while is_held(folder):
        answer = exchange(socket_of(folder), line_of(asdict(start)), deadline_s)
        if answer is not None:
            return RunningWindow(text_of(answer, "rack"))
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
        self._lock = lock_of(folder)
        self.alone = acquired(self._lock, _GLANCE_S)
        """Whether no other window has this home."""
        if self.alone:
            QLocalServer.removeServer(socket_of(folder))
            self._server.listen(socket_of(folder))

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
            socket.setReadBufferSize(LONGEST_LINE)
            socket.readyRead.connect(partial(self._read, socket))
            socket.disconnected.connect(partial(self._forget, socket))
            self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        """Answer a whole line; who sends more than one line's length is no start of ours."""
        if not socket.canReadLine():
            if socket.bytesAvailable() >= LONGEST_LINE:
                socket.abort()
            return
        asked = record_of(bytes(socket.readLine(LONGEST_LINE).data()))
        socket.write(line_of({"rack": self._rack}))
        socket.disconnectFromServer()
        if asked is not None:
            self.started.emit(Start(text_of(asked, "scene"), text_of(asked, "language")))

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
