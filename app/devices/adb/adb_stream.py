"""One stream of an ADB connection: bytes both ways, one packet unacknowledged in each direction."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.core.errors import PhoneLostError
from app.core.facts import Fact
from app.devices.adb.adb_packets import CLSE, OKAY, OPEN, WRTE, AdbPacket
from app.devices.errors import PhoneRefusedError

MAXIMUM_UNREAD: Final = 4
"""Packets that may wait to be read."""
_Send = Callable[[AdbPacket], None]


class AdbStream:
    """See `ByteStream`. One thread may send while another receives; a third one feeds it packets.

    Reading acknowledges, so a slow reader holds the phone back.
    """

    def __init__(
        self, local: int, send: _Send, packet_bytes: int, timeout_s: float | None, remote: int = 0
    ) -> None:
        """Without `remote` it must be opened first; no timeout means silence may last for ever."""
        self.local = local
        self._remote = remote
        self._send = send
        self._packet_bytes = packet_bytes
        self._timeout_s = timeout_s
        self._changed = threading.Condition()
        self._arrived: deque[bytes] = deque()
        self._may_send = False
        self._ended = False
        self._failure: Fact | None = None

    @property
    def has_ended(self) -> bool:
        """Whether either side ended it."""
        return self._ended

    def open(self, service: str) -> None:
        """Ask the phone for a service. Raises `PhoneRefusedError` where it closes it at once."""
        self._send(AdbPacket(OPEN, self.local, 0, service.encode() + b"\0"))
        self._wait_for(lambda: self._remote != 0 or self._ended)
        if self._remote == 0:
            raise PhoneRefusedError("phone.service_missing", service=service.partition(":")[0])

    def accept(self) -> None:
        """Tell the phone that what it asked for is there."""
        self._may_send = True
        self._send(AdbPacket(OKAY, self.local, self._remote))

    def refuse(self) -> None:
        """Tell the phone that what it asked for is not there."""
        self._ended = True
        self._send(AdbPacket(CLSE, 0, self._remote))

    def wait_for_ever(self) -> None:
        """Disable the read timeout: a stream that is silent from now on is not lost."""
        self._timeout_s = None

    def send(self, data: bytes) -> None:
        """Send all of the bytes, each packet once the phone has taken the one before."""
        for start in range(0, len(data), self._packet_bytes):
            self._wait_for(lambda: self._may_send or self._ended)
            if self._ended:
                return
            self._may_send = False
            payload = data[start : start + self._packet_bytes]
            self._send(AdbPacket(WRTE, self.local, self._remote, payload))

    def receive(self) -> bytes:
        """Return the next bytes, at least one; nothing at the end."""
        self._wait_for(lambda: bool(self._arrived) or self._ended)
        with self._changed:
            if not self._arrived:
                return b""
            data = self._arrived.popleft()
        if not self._ended:
            self._send(AdbPacket(OKAY, self.local, self._remote))
        return data

    def close(self) -> None:
        """Let go of the service; a thread that waits on it wakes."""
        with self._changed:
            was_open, self._ended = not self._ended, True
            self._changed.notify_all()
        if was_open and not self._failure:
            with suppress(PhoneLostError):
                self._send(AdbPacket(CLSE, self.local, self._remote))

    def take(self, packet: AdbPacket) -> None:
        """Receive a packet for this stream.

        Raises `PhoneLostError` where the phone sends on and on without an acknowledgement. One
        packet is what the protocol allows, but adbd begins a shell's output with two.
        """
        with self._changed:
            if packet.command == OKAY:
                self._remote = self._remote or packet.sender
                self._may_send = True
            elif packet.command == CLSE:
                self._ended = True
            elif packet.command == WRTE and packet.payload and not self._ended:
                if len(self._arrived) >= MAXIMUM_UNREAD:
                    raise PhoneLostError("phone.adb_rushes")
                self._arrived.append(packet.payload)
            self._changed.notify_all()

    def fail(self, reason: Fact) -> None:
        """End the stream because the connection is gone."""
        with self._changed:
            self._failure = self._failure or reason
            self._changed.notify_all()

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait for a packet that makes the condition true. Raises `PhoneLostError` otherwise."""
        deadline_s = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        with self._changed:
            while not condition():
                if self._failure is not None:
                    raise PhoneLostError(self._failure)
                left_s = None if deadline_s is None else deadline_s - time.monotonic()
                if left_s is not None and left_s <= 0:
                    raise PhoneLostError("phone.silent")
                self._changed.wait(left_s)
