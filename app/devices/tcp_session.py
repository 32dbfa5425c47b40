"""adb-shell's connection with streams of our own: early answers are kept, refusals are told."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from typing import Final

from adb_shell import constants
from adb_shell import exceptions as adb
from adb_shell.adb_device import AdbDevice
from adb_shell.adb_message import AdbMessage
from adb_shell.hidden_helpers import _AdbTransactionInfo

from app.core.errors import PhoneLostError
from app.devices.errors import PhoneRefusedError

_BROKEN_PROTOCOL: Final = (
    adb.AdbTimeoutError,
    adb.DeviceAuthError,
    adb.InvalidChecksumError,
    adb.InvalidCommandError,
    adb.InvalidResponseError,
)


@contextlib.contextmanager
def lost_on_broken_protocol() -> Iterator[None]:
    """Turn adb-shell's complaints about the peer into `PhoneLostError`."""
    try:
        yield
    except _BROKEN_PROTOCOL as error:
        raise PhoneLostError(f"The phone does not follow the ADB protocol: {error}") from None


class TcpSession(AdbDevice):  # type: ignore[misc] # adb-shell has no types
    """An ADB connection on which services are opened, by one thread at a time."""

    def open(self, service: str, timeout_s: float) -> TcpStream:
        """Open a service. Raises `PhoneRefusedError` where the phone closes it at once."""
        with self._local_id_lock, lost_on_broken_protocol():
            self._local_id += 1
            info = _AdbTransactionInfo(self._local_id, None, timeout_s, timeout_s)
            self._io_manager.send(
                AdbMessage(constants.OPEN, info.local_id, 0, service.encode() + b"\0"), info
            )
            command, info.remote_id, _, _ = self._io_manager.read(
                [constants.OKAY, constants.CLSE], info, allow_zeros=True
            )
        if command == constants.CLSE:
            raise PhoneRefusedError(
                f"The phone has no `{service.partition(':')[0]}` service (Android 7 is needed)."
            )
        return TcpStream(self, info, self._maxdata)

    def exchange(
        self, info: _AdbTransactionInfo, outgoing: bytes | None, expected: list[bytes]
    ) -> tuple[bytes, bytes]:
        """Send a WRTE where there is one, then return the next expected (command, data)."""
        with lost_on_broken_protocol():
            if outgoing is not None:
                message = AdbMessage(constants.WRTE, info.local_id, info.remote_id, outgoing)
                self._io_manager.send(message, info)
            return self._read_until(expected, info)  # type: ignore[no-any-return]

    def finish(self, info: _AdbTransactionInfo) -> None:
        """Send a CLSE without waiting for the phone's own, which is dropped when it comes."""
        with contextlib.suppress(PhoneLostError):
            self._io_manager.send(AdbMessage(constants.CLSE, info.local_id, info.remote_id), info)


class TcpStream:
    """One open service (see `ByteStream`)."""

    def __init__(self, session: TcpSession, info: _AdbTransactionInfo, packet_bytes: int) -> None:
        self._session = session
        self._info = info
        self._packet_bytes = packet_bytes
        self._early: deque[bytes] = deque()
        self._ended = False

    def send(self, data: bytes) -> None:
        """Send all of the bytes, each packet once the phone has taken the one before."""
        for start in range(0, len(data), self._packet_bytes):
            packet: bytes | None = data[start : start + self._packet_bytes]
            while not self._ended:
                command = self._next(packet, [constants.OKAY, constants.WRTE, constants.CLSE])
                if command == constants.OKAY:
                    break
                packet = None

    def receive(self) -> bytes:
        """Return the next bytes, at least one; nothing at the end."""
        while not self._early and not self._ended:
            self._next(None, [constants.WRTE, constants.CLSE])
        return self._early.popleft() if self._early else b""

    def close(self) -> None:
        """Let go of the service."""
        if not self._ended:
            self._ended = True
            self._session.finish(self._info)

    def _next(self, packet: bytes | None, expected: list[bytes]) -> bytes:
        command, data = self._session.exchange(self._info, packet, expected)
        if command == constants.WRTE and data:
            self._early.append(data)
        self._ended = self._ended or command == constants.CLSE
        return command
