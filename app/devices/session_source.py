"""A phone that is spoken to without an adb server: one ADB connection over any packet transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from adb_shell.transport.base_transport import BaseTransport

from app.core.errors import PhoneLostError, PhoneUnauthorizedError
from app.devices.keys import HostKey
from app.devices.stream import ByteStream
from app.devices.tcp_session import TcpSession, lost_on_broken_protocol

CONNECT_TIMEOUT_S: Final = 3.0
AUTHORIZATION_TIMEOUT_S: Final = 5.0


class SessionSource:
    """See `StreamSource`; the transport raises `PhoneLostError` for all that goes wrong in it."""

    def __init__(self, packets: BaseTransport, name: str) -> None:
        self._packets = packets
        self._name = name
        self._session = TcpSession(packets, banner="shardloom")
        self._asked = False

    @property
    def transport(self) -> str:
        """How the phone is reached."""
        return self._name

    def connect(
        self,
        key: HostKey,
        authorization_timeout_s: float = AUTHORIZATION_TIMEOUT_S,
        when_asked: Callable[[], None] | None = None,
    ) -> None:
        """Connect and authenticate; `when_asked` is called where the phone's owner must accept.

        Raises `PhoneLostError`, or `PhoneUnauthorizedError` where nobody accepts in time.
        """
        self._asked = False

        def asked(_: object) -> None:
            self._asked = True
            if when_asked:
                when_asked()

        try:
            with lost_on_broken_protocol():
                self._session.connect(
                    [key],
                    CONNECT_TIMEOUT_S,
                    authorization_timeout_s,
                    CONNECT_TIMEOUT_S,
                    auth_callback=asked,
                )
        except PhoneLostError as error:
            self.close()
            if self._asked:
                raise unauthorized(self.transport) from error
            raise

    def open(self, service: str, timeout_s: float) -> ByteStream:
        """Open an ADB service."""
        return self._session.open(service, timeout_s)

    def close(self) -> None:
        """Let go of the phone; a thread that waits on it wakes with `PhoneLostError`."""
        self._packets.close()


def unauthorized(phone: str) -> PhoneUnauthorizedError:
    """Return the error that says what to tap."""
    return PhoneUnauthorizedError(
        f"{phone} has not accepted this computer: unlock the phone and tap Allow under "
        "“Allow USB debugging?” (Always allow)."
    )
