"""Phones on the network: ADB over TCP, plain (`adb tcpip 5555`) or TLS (wireless debugging)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final

from app.core.errors import BadInputError, PhoneLostError, PhoneUnauthorizedError
from app.devices.adb_link import AdbLink
from app.devices.keys import HostKey
from app.devices.stream import ByteStream
from app.devices.tcp_session import TcpSession, lost_on_broken_protocol
from app.devices.tcp_transport import TcpTransport
from app.devices.wireless.identity import identity_of, link_context

CONNECT_TIMEOUT_S: Final = 3.0
AUTHORIZATION_TIMEOUT_S: Final = 5.0


class TcpSource:
    """One ADB connection to an address (see `StreamSource`)."""

    def __init__(self, address: str) -> None:
        self._host, self._port = split_address(address)
        self._socket = TcpTransport(self._host, self._port)
        self._session = TcpSession(self._socket, banner="shardloom")
        self._asked = False

    @property
    def transport(self) -> str:
        """`Wi-Fi HOST:PORT`, or `loopback HOST:PORT` on this machine."""
        return f"{'loopback' if _is_loopback(self._host) else 'Wi-Fi'} {self._host}:{self._port}"

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
        self._socket.allow_tls(lambda: link_context(identity_of(key.private_key)))

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

    def is_connected(self) -> bool:
        """Tell, without waiting, whether the phone still holds the connection."""
        return self._socket.is_connected()

    def close(self) -> None:
        """Let go of the phone; a thread that waits on it wakes with `PhoneLostError`."""
        self._socket.close()


def connect_tcp(
    address: str, key: HostKey, authorization_timeout_s: float = AUTHORIZATION_TIMEOUT_S
) -> AdbLink:
    """Return a link to the phone at `HOST:PORT`.

    Raises `PhoneLostError`, or `PhoneUnauthorizedError` where nobody accepts this computer in time.
    """
    source = TcpSource(address)
    source.connect(key, authorization_timeout_s)
    return AdbLink(source)


def unauthorized(phone: str) -> PhoneUnauthorizedError:
    """Return the error that says what to tap."""
    return PhoneUnauthorizedError(
        f"{phone} has not accepted this computer: unlock the phone and tap Allow under "
        "“Allow USB debugging?” (Always allow)."
    )


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, an IPv6 host in brackets. Raises `BadInputError`."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadInputError(f"'{address}' is not an address: write HOST:PORT.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
