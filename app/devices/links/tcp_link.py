"""Phones on the network: ADB over TCP, plain (`adb tcpip 5555`) or TLS (wireless debugging)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from app.core.errors import BadInputError
from app.devices.adb.keys import HostKey
from app.devices.links.adb_link import AdbLink
from app.devices.links.session_source import SessionSource
from app.devices.links.tcp_transport import SILENCE_LIMIT_S, TcpTransport
from app.devices.wireless.identity import identity_of, link_context


class TcpSource(SessionSource):
    """One ADB connection to an address (see `StreamSource`)."""

    def __init__(self, address: str, silence_limit_s: float = SILENCE_LIMIT_S) -> None:
        """Where the phone's system acknowledges nothing for `silence_limit_s`, it is gone."""
        host, port = split_address(address)
        self._socket = TcpTransport(host, port, silence_limit_s)
        kind = "loopback" if is_loopback(host) else "Wi-Fi"
        super().__init__(self._socket, f"{kind} {host}:{port}")

    def connect(
        self,
        key: HostKey,
        authorization_timeout_s: float | None = None,
        when_asked: Callable[[], None] | None = None,
    ) -> None:
        """Connect as `SessionSource` does, by TLS where the phone asks for it.

        Raises `PhoneUnauthorizedError` also where such a phone is not paired with this computer.
        """
        self._socket.allow_tls(lambda: link_context(identity_of(key.private_key)))
        super().connect(key, authorization_timeout_s, when_asked)

    def is_connected(self) -> bool:
        """Tell, without waiting, whether the phone still holds the connection."""
        return self._socket.is_connected()


def connect_tcp(
    address: str, key: HostKey, authorization_timeout_s: float | None = None
) -> AdbLink:
    """Return a link to the phone at `HOST:PORT`.

    Raises `PhoneLostError`, or `PhoneUnauthorizedError` where nobody accepts this computer in time.
    """
    source = TcpSource(address)
    source.connect(key, authorization_timeout_s)
    return AdbLink(source)


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, an IPv6 host in brackets. Raises `BadInputError`."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadInputError("address.odd", address=address)
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Tell whether the host is this computer."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
