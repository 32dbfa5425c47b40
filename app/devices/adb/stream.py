"""Two-way bytes to one ADB service on a phone, and where such streams come from."""

from __future__ import annotations

import struct
from typing import Protocol

from app.core.errors import PhoneLostError


class ByteStream(Protocol):
    """An open service. Raises `PhoneLostError` where the phone is silent for too long."""

    def send(self, data: bytes) -> None:
        """Send all of the bytes."""
        ...

    def receive(self) -> bytes:
        """Return the next bytes, at least one; nothing at the end."""
        ...

    def wait_for_ever(self) -> None:
        """Disable the read timeout: a stream that is silent from now on is not lost."""
        ...

    def close(self) -> None:
        """Let go of the service; a thread that waits on it wakes."""
        ...


class StreamSource(Protocol):
    """A phone that is connected, by whatever carries it."""

    @property
    def transport(self) -> str:
        """How the phone is reached, in a word or two."""
        ...

    @property
    def holder(self) -> str:
        """Empty where this computer holds the phone, else the adb server's address that does."""
        ...

    @property
    def keeps_tunnels(self) -> bool:
        """Whether tunnels stay when this computer lets go of the phone."""
        ...

    def forward_there(self, phone_port: int) -> int:
        """Return a loopback port of the computer that holds the phone, for one of the phone's.

        Raises `PhoneRefusedError` where that is this computer: it forwards by itself.
        """
        ...

    def mend_forwards(self) -> int:
        """Put back what `forward_there` made and somebody else removed; return how many."""
        ...

    def expect(self, host_port: int) -> None:
        """Let the phone open streams to that loopback port of the computer that holds it."""
        ...

    def open(self, service: str, timeout_s: float) -> ByteStream:
        """Open an ADB service such as `sync:`; silence longer than the timeout is a lost phone.

        Raises `PhoneRefusedError` where the phone does not have the service.
        """
        ...

    def close(self) -> None:
        """Let go of the phone."""
        ...


class ExactReader:
    """Reads whole records from a stream whose chunks end anywhere."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    def exactly(self, size_bytes: int) -> bytes:
        """Return that many bytes. Raises `PhoneLostError` where the stream ends before."""
        while len(self._buffer) < size_bytes:
            chunk = self._stream.receive()
            if not chunk:
                raise PhoneLostError("phone.answer_cut")
            self._buffer += chunk
        taken = bytes(self._buffer[:size_bytes])
        del self._buffer[:size_bytes]
        return taken

    def record(self, layout: struct.Struct) -> tuple[int, ...]:
        """Return the fields of one fixed-size record of integers."""
        return layout.unpack(self.exactly(layout.size))
