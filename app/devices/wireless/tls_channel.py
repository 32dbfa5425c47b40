"""TLS over a connected socket with time limits and an exporter, which `ssl` lacks (RFC 8446, 7.5).

OpenSSL works on memory here and the socket is ours, so that a silent peer cannot hold a thread.
"""

from __future__ import annotations

import socket
import time
from types import TracebackType
from typing import Final, Self

from OpenSSL import SSL

from app.core.errors import ShardloomError, reason_of

CHUNK_BYTES: Final = 1 << 16
_SILENT: Final = "channel.silent"


class ChannelEndedError(ShardloomError):
    """The peer closed the channel, broke TLS or stayed silent."""

    @property
    def silent(self) -> bool:
        """Whether it just said nothing in time."""
        return self.fact.code == _SILENT


class TlsChannel:
    """One TLS session, blocking, until a deadline for all of it; closes the socket at its end."""

    def __init__(
        self, connection: socket.socket, context: SSL.Context, timeout_s: float, *, server: bool
    ) -> None:
        self._socket = connection
        self._deadline_s = time.monotonic() + timeout_s
        self._tls = SSL.Connection(context, None)
        if server:
            self._tls.set_accept_state()
        else:
            self._tls.set_connect_state()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def shake_hands(self) -> None:
        """Agree on keys. Raises `ChannelEndedError`, as everything here does."""
        while True:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                self._flush()
                self._feed()
            except SSL.Error as error:
                self._flush()
                raise ChannelEndedError("channel.tls_failed", reason=str(error)) from None
            else:
                self._flush()
                return

    def exported(self, label: bytes, size_bytes: int) -> bytes:
        """Return bytes that only the two ends of this session know."""
        return self._tls.export_keying_material(label, size_bytes)

    def send(self, data: bytes) -> None:
        """Send all of the bytes."""
        self._tls.sendall(data)
        self._flush()

    def exactly(self, size_bytes: int) -> bytes:
        """Return that many bytes."""
        received = bytearray()
        while len(received) < size_bytes:
            try:
                received += self._tls.recv(size_bytes - len(received))
            except SSL.WantReadError:
                self._feed()
            except SSL.Error as error:
                raise ChannelEndedError("channel.tls_ended", reason=str(error)) from None
        return bytes(received)

    def _flush(self) -> None:
        while True:
            try:
                waiting = self._tls.bio_read(CHUNK_BYTES)
            except SSL.WantReadError:
                return
            try:
                self._limit_wait()
                self._socket.sendall(waiting)
            except OSError as error:
                raise _ended(error) from None

    def _feed(self) -> None:
        try:
            self._limit_wait()
            data = self._socket.recv(CHUNK_BYTES)
        except OSError as error:
            raise _ended(error) from None
        if not data:
            raise ChannelEndedError("channel.closed")
        self._tls.bio_write(data)

    def _limit_wait(self) -> None:
        remaining_s = self._deadline_s - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining_s)


def _ended(error: OSError) -> ChannelEndedError:
    if isinstance(error, TimeoutError):
        return ChannelEndedError(_SILENT)
    return ChannelEndedError("channel.failed", reason=reason_of(error))
