"""An ADB connection of our own: adb-shell's handshake, then many streams at once, either side's.

A thread reads packets and hands each to its stream; whoever uses a stream sends by itself.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Final

from adb_shell import constants
from adb_shell import exceptions as adb
from adb_shell.adb_device import AdbDevice
from adb_shell.transport.base_transport import BaseTransport

from app.core.errors import PhoneLostError, reason_of
from app.core.facts import Fact
from app.devices.adb.adb_packets import OPEN, AdbPacket, read_packet
from app.devices.adb.adb_stream import AdbStream
from app.devices.adb.keys import HostKey

SEND_TIMEOUT_S: Final = 15.0
"""How long a phone may take no bytes before it counts as lost."""
END_TIMEOUT_S: Final = 5.0
MAXIMUM_STREAMS: Final = 256

Accept = Callable[[str, AdbStream], None]
"""Takes a stream that the phone opened to a destination here; must not wait."""

_BROKEN_PROTOCOL: Final = (
    adb.AdbTimeoutError,
    adb.DeviceAuthError,
    adb.InvalidChecksumError,
    adb.InvalidCommandError,
    adb.InvalidResponseError,
)


class AdbSession:
    """One connection over a packet transport, from `connect` until it breaks or is closed.

    The transport raises `PhoneLostError` for all that goes wrong in it.
    """

    def __init__(self, packets: BaseTransport, accept: Accept) -> None:
        self._packets = packets
        self._accept = accept
        self._numbers = itertools.count(1)
        self._streams: dict[int, AdbStream] = {}
        self._turn = threading.Lock()
        self._sending = threading.Lock()
        self._packet_bytes = constants.MAX_PUSH_DATA
        self._closed = False
        self._failure: Fact | None = Fact("phone.never_connected")
        self._reader: threading.Thread | None = None

    def connect(
        self,
        key: HostKey,
        connect_timeout_s: float,
        authorization_timeout_s: float,
        asked: Callable[[object], None],
    ) -> None:
        """Connect and authenticate. Raises `PhoneLostError`."""
        device = AdbDevice(self._packets, banner="shardloom")
        with _lost_on_broken_protocol():
            device.connect(
                [key],
                connect_timeout_s,
                authorization_timeout_s,
                connect_timeout_s,
                auth_callback=asked,
            )
        self._packet_bytes = device._maxdata  # noqa: SLF001 - the library has no other way to tell it
        self._failure = None
        self._reader = threading.Thread(target=self._read_all, name="adb-read", daemon=True)
        self._reader.start()

    def open(self, service: str, timeout_s: float | None) -> AdbStream:
        """Open a service. Raises `PhoneRefusedError` where the phone closes it at once."""
        stream = self._new_stream(timeout_s)
        try:
            stream.open(service)
        except BaseException:
            self._forget(stream)
            raise
        return stream

    def close(self) -> None:
        """End the connection and everything that waits on it; returns once nothing reads it."""
        with self._turn:
            self._closed = True
        self._packets.close()
        reader, self._reader = self._reader, None
        if reader is not None and reader is not threading.current_thread():
            reader.join(END_TIMEOUT_S)

    def _new_stream(self, timeout_s: float | None, remote: int = 0) -> AdbStream:
        with self._turn:
            if self._failure is not None:
                raise PhoneLostError(self._failure)
            self._streams = {
                number: each for number, each in self._streams.items() if not each.has_ended
            }
            if len(self._streams) >= MAXIMUM_STREAMS:
                raise PhoneLostError("phone.too_many_streams")
            local = next(self._numbers)
            stream = AdbStream(local, self._send, self._packet_bytes, timeout_s, remote)
            self._streams[local] = stream
            return stream

    def _forget(self, stream: AdbStream) -> None:
        with self._turn:
            self._streams.pop(stream.local, None)

    def _send(self, packet: AdbPacket) -> None:
        with self._sending:
            self._packets.bulk_write(packet.header, SEND_TIMEOUT_S)
            if packet.payload:
                self._packets.bulk_write(packet.payload, SEND_TIMEOUT_S)

    def _read_all(self) -> None:
        try:
            while True:
                self._dispatch(read_packet(self._exactly))
        except PhoneLostError as error:
            self._end(error.fact)
        finally:
            with self._turn:
                if not self._closed:  # else they may be another session's by now
                    self._packets.close()

    def _end(self, reason: Fact) -> None:
        with self._turn:
            self._failure = reason
            streams, self._streams = list(self._streams.values()), {}
        for stream in streams:
            stream.fail(reason)

    def _exactly(self, size_bytes: int) -> bytes:
        data = self._packets.bulk_read(size_bytes, None)
        if len(data) == size_bytes:
            return bytes(data)
        parts = bytearray(data)
        while len(parts) < size_bytes:
            parts += self._packets.bulk_read(size_bytes - len(parts), None)
        return bytes(parts)

    def _dispatch(self, packet: AdbPacket) -> None:
        if packet.command == OPEN:
            stream = self._new_stream(None, packet.sender)
            destination = packet.payload.rstrip(b"\0").decode(errors="replace")
            self._accept(destination, stream)
            return
        with self._turn:
            addressed = self._streams.get(packet.receiver)
        if addressed is not None:
            addressed.take(packet)


@contextlib.contextmanager
def _lost_on_broken_protocol() -> Iterator[None]:
    """Turn adb-shell's complaints about the peer into `PhoneLostError`."""
    try:
        yield
    except _BROKEN_PROTOCOL as error:
        raise PhoneLostError("phone.adb_odd", reason=reason_of(error)) from None
