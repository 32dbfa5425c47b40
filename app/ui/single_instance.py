"""One window a home: a second start raises the first instead of opening a dead one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QLocalServer, QLocalSocket
from PySide6.QtWidgets import QWidget

_ANSWER_LIMIT_MS: Final = 1_000


def instance_name(home: Path) -> str:
    """Return the name of the socket on which the window of a home is asked for.

    Short, whatever the home's path: a socket's path may have about 100 bytes.
    """
    return f"shardloom-{hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:24]}"


def raise_running(name: str) -> bool:
    """Ask the window under a name to come to the front; false where there is none."""
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(_ANSWER_LIMIT_MS):
        return False
    socket.disconnectFromServer()
    return True


class SingleInstance(QObject):
    """Listens for later starts; whatever they send is not read: coming is what they say."""

    def __init__(self, name: str, come_forward: Callable[[], object]) -> None:
        super().__init__()
        self._come_forward = come_forward
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._heard)
        if not self._server.listen(name):
            QLocalServer.removeServer(name)
            self._server.listen(name)

    @property
    def listening(self) -> bool:
        """Whether later starts are heard."""
        return self._server.isListening()

    def close(self) -> None:
        """Be no longer the one."""
        self._server.close()

    def _heard(self) -> None:
        while self._server.hasPendingConnections():
            socket = self._server.nextPendingConnection()
            socket.disconnectFromServer()
            socket.deleteLater()
        self._come_forward()


def come_forward(window: QWidget) -> None:
    """Show a window before the others, also where it was minimised."""
    window.setWindowState(window.windowState() & ~window.windowState().WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()
