"""A phone that is spoken to without an adb server: one ADB connection over any packet transport."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from adb_shell.transport.base_transport import BaseTransport

from app.core.errors import PhoneLostError, PhoneUnauthorizedError
from app.devices.adb.adb_session import AdbSession
from app.devices.adb.adb_stream import AdbStream
from app.devices.adb.keys import HostKey
from app.devices.adb.stream import ByteStream
from app.devices.errors import PhoneRefusedError
from app.devices.links.byte_pump import carry, connect_loopback

CONNECT_TIMEOUT_S: Final = 3.0
AUTHORIZATION_TIMEOUT_S: Final = 5.0


class SessionSource:
    """See `StreamSource`; the transport raises `PhoneLostError` for all that goes wrong in it."""

    def __init__(self, packets: BaseTransport, name: str) -> None:
        self._packets = packets
        self._name = name
        self._expected: set[str] = set()
        self._session = AdbSession(packets, self._attend)
        self._asked = False

    @property
    def transport(self) -> str:
        """How the phone is reached."""
        return self._name

    def connect(
        self,
        key: HostKey,
        authorization_timeout_s: float | None = None,
        when_asked: Callable[[], None] | None = None,
    ) -> None:
        """Connect and authenticate; `when_asked` is called where the phone's owner must accept.

        Raises `PhoneLostError`, or `PhoneUnauthorizedError` where nobody accepts in time, which is
        `AUTHORIZATION_TIMEOUT_S` where none is given.
        """
        patience_s = (
            AUTHORIZATION_TIMEOUT_S if authorization_timeout_s is None else authorization_timeout_s
        )
        self._asked = False

        def asked(_: object) -> None:
            self._asked = True
            if when_asked:
                when_asked()

        self._session.close()
        self._session = AdbSession(self._packets, self._attend)
        try:
            self._session.connect(key, CONNECT_TIMEOUT_S, patience_s, asked)
        except PhoneLostError as error:
            self.close()
            if self._asked:
                raise unauthorized(self.transport) from error
            raise

    def open(self, service: str, timeout_s: float | None) -> ByteStream:
        """Open an ADB service."""
        return self._session.open(service, timeout_s)

    @property
    def holder(self) -> str:
        """Empty: this computer holds the phone."""
        return ""

    @property
    def keeps_tunnels(self) -> bool:
        """No: they end with the connection."""
        return False

    def forward_there(self, phone_port: int) -> int:
        """Raise `PhoneRefusedError`: no server holds the phone."""
        raise PhoneRefusedError("phone.without_server", transport=self._name, port=phone_port)

    def mend_forwards(self) -> int:
        """Do nothing: nobody else has these tunnels."""
        return 0

    def expect(self, host_port: int) -> None:
        """Let the phone open streams to that loopback port of this computer."""
        self._expected.add(f"tcp:{host_port}")

    def close(self) -> None:
        """Let go of the phone; a thread that waits on it wakes with `PhoneLostError`."""
        self._session.close()

    def _attend(self, destination: str, stream: AdbStream) -> None:
        threading.Thread(
            target=self._serve, args=(destination, stream), name="adb-reverse", daemon=True
        ).start()

    def _serve(self, destination: str, stream: AdbStream) -> None:
        """Join a stream that the phone opened to the port it asks for, if it may."""
        with suppress(PhoneLostError):
            if destination not in self._expected:
                stream.refuse()
                return
            try:
                connection = connect_loopback(int(destination.removeprefix("tcp:")))
            except OSError:
                stream.refuse()
                return
            stream.accept()
            carry(connection, stream)


def unauthorized(phone: str) -> PhoneUnauthorizedError:
    """Return the error that says what to tap."""
    return PhoneUnauthorizedError("phone.not_accepted", phone=phone)
