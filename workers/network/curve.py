"""Encrypted, mutually authenticated sockets: CURVE (CurveZMQ, ZeroMQ RFC 26) and ZAP (RFC 27)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import zmq
from zmq.auth.thread import ThreadAuthenticator

from workers.errors import ReportedError
from workers.protocol.configuration import LOOPBACK
from workers.protocol.wire import MAXIMUM_TENSOR_BYTES

INBOX_DOMAIN = "inbox"
PULSE_DOMAIN = "pulse"
QUEUED_MESSAGES = 256
_KEEP_ALIVE_S = 5
_KEEP_ALIVES_MISSED = 3
_UNACKNOWLEDGED_LIMIT_MS = 20_000
_RECONNECT_LIMIT_MS = 2_000
_BIND_TRIES = 16


@dataclass(frozen=True)
class CurveKeys:
    """A CURVE key pair as Z85 text."""

    public_key: str
    secret_key: str


class Admission:
    """Who may connect: the host everywhere, admitted phones to the inbox."""

    def __init__(self, host_key: str) -> None:
        self.host_key = host_key
        self._phones: frozenset[str] = frozenset()

    def replace(self, phones: frozenset[str]) -> None:
        """Set the phones that may send steps from now on."""
        self._phones = phones

    def allows(self, key: str) -> bool:
        """Tell whether messages from that key are taken."""
        return key == self.host_key or key in self._phones

    def callback(self, domain: str, key: bytes) -> bool:
        """Answer the authenticator's thread; the name is the one it calls."""
        text = key.decode("ascii")
        return text == self.host_key or (domain == INBOX_DOMAIN and text in self._phones)


def start_authenticator(
    context: zmq.Context[zmq.Socket[bytes]], admission: Admission
) -> ThreadAuthenticator:
    """Answer every incoming connection from the admission list, on a thread of its own."""
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    for domain in (INBOX_DOMAIN, PULSE_DOMAIN):
        authenticator.configure_curve_callback(domain, admission)
    return authenticator


def bind_server(
    context: zmq.Context[zmq.Socket[bytes]],
    socket_type: int,
    domain: str,
    address: str,
    keys: CurveKeys,
) -> tuple[zmq.Socket[bytes], int]:
    """Return a CURVE server socket and the free port it was bound to.

    It is bound to that port of loopback as well, which is all that adb's forward reaches.
    """
    socket = context.socket(socket_type)
    _set_common(socket, keys)
    socket.curve_server = True
    socket.zap_domain = domain.encode()
    return socket, _bind(socket, address)


def connect_client(
    context: zmq.Context[zmq.Socket[bytes]],
    endpoint: str,
    server_key: str,
    keys: CurveKeys,
    proxy: str | None,
) -> zmq.Socket[bytes]:
    """Return a DEALER that reaches only the holder of that key, through a proxy where given.

    Raises `zmq.ZMQError` or `ValueError` for an endpoint or a key that cannot be used.
    """
    socket = client_socket(context, server_key, keys, proxy)
    try:
        socket.connect(endpoint)
    except zmq.ZMQError:
        socket.close()
        raise
    return socket


def client_socket(
    context: zmq.Context[zmq.Socket[bytes]], server_key: str, keys: CurveKeys, proxy: str | None
) -> zmq.Socket[bytes]:
    """Return the same DEALER before it connects, for those who must hear of all that happens.

    Raises `zmq.ZMQError` or `ValueError` for a key that cannot be used.
    """
    socket = context.socket(zmq.DEALER)
    try:
        _set_common(socket, keys)
        socket.curve_serverkey = server_key.encode("ascii")
        socket.reconnect_ivl_max = _RECONNECT_LIMIT_MS
        if proxy is not None:
            socket.set(zmq.SOCKS_PROXY, proxy.encode("ascii"))
    except (zmq.ZMQError, ValueError):
        socket.close()
        raise
    return socket


def has_message(socket: zmq.Socket[bytes]) -> bool:
    """Tell whether a message can be taken at once; quicker than to poll."""
    return bool(cast(int, socket.get(zmq.EVENTS)) & zmq.POLLIN)


def proxy_address(environment: Mapping[str, str]) -> str | None:
    """Return `host:port` of the SOCKS 5 proxy named by ALL_PROXY, None where there is none.

    Raises `ReportedError` for a proxy that is not SOCKS 5.
    """
    text = environment.get("ALL_PROXY") or environment.get("all_proxy")
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("socks5", "socks5h") or not parts.hostname or not parts.port:
        raise ReportedError("proxy.not_socks5")
    return f"{parts.hostname}:{parts.port}"


def _bind(socket: zmq.Socket[bytes], address: str) -> int:
    """Bind to one free port of the address and of loopback. Raises `zmq.ZMQError`."""
    for _ in range(_BIND_TRIES):
        port = socket.bind_to_random_port(f"tcp://{address}")
        if address in {LOOPBACK, "0.0.0.0"}:  # noqa: S104 - compared, not bound
            return port
        with suppress(zmq.ZMQError):
            socket.bind(f"tcp://{LOOPBACK}:{port}")
            return port
        socket.unbind(f"tcp://{address}:{port}")
    raise zmq.ZMQError(zmq.EADDRINUSE)


def _set_common(socket: zmq.Socket[bytes], keys: CurveKeys) -> None:
    socket.linger = 0
    socket.sndhwm = socket.rcvhwm = QUEUED_MESSAGES
    socket.maxmsgsize = MAXIMUM_TENSOR_BYTES
    _notice_a_dead_peer(socket)
    socket.curve_publickey = keys.public_key.encode("ascii")
    socket.curve_secretkey = keys.secret_key.encode("ascii")


def _notice_a_dead_peer(socket: zmq.Socket[bytes]) -> None:
    """Ask by TCP's keep-alives (RFC 9293, 3.8.4) whether the other end lives, never by ZeroMQ's.

    libzmq (4.3.5) aborts the process where its heartbeat is due on a connection that broke while
    as many messages waited as it may keep: a phone that dies would take its busy neighbour along.
    """
    socket.tcp_keepalive = 1
    socket.tcp_keepalive_idle = socket.tcp_keepalive_intvl = _KEEP_ALIVE_S
    socket.tcp_keepalive_cnt = _KEEP_ALIVES_MISSED
    socket.tcp_maxrt = _UNACKNOWLEDGED_LIMIT_MS
