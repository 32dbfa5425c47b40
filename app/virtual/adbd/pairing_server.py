"""The phone's side of pairing: a port, a code, and the key of the computer that knows the code."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from app.devices.wireless.identity import TlsIdentity, peer_context
from app.devices.wireless.pairing_exchange import (
    PairingSession,
    PeerInfo,
    PeerInfoKind,
    WrongCodeError,
)
from app.devices.wireless.spake2 import PairingRole
from app.devices.wireless.tls_channel import ChannelEndedError, TlsChannel
from app.virtual.adbd.authentication import BadKeyError

_MAXIMUM_ATTEMPTS = 20
"""As on a phone (AOSP adb, `pairing_server.cpp`)."""

_ATTEMPT_TIMEOUT_S = 30.0


class PairingServer:
    """Listens on loopback until one computer paired or too many failed."""

    def __init__(
        self, identity: TlsIdentity, guid: str, secret: str, accept: Callable[[bytes], None]
    ) -> None:
        """`accept` takes the `adbkey.pub` line of the computer; it may raise `BadKeyError`."""
        self._identity = identity
        self._guid = guid
        self._secret = secret
        self._accept = accept
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    async def run(self) -> None:
        """Serve one computer at a time; return once the window closes."""
        loop = asyncio.get_running_loop()
        try:
            for _ in range(_MAXIMUM_ATTEMPTS):
                connection, _address = await loop.sock_accept(self._listener)
                if await asyncio.to_thread(self._attempt, connection):
                    return
        finally:
            self._listener.close()

    def _attempt(self, connection: socket.socket) -> bool:
        context = peer_context(self._identity, lambda _: True)
        try:
            with TlsChannel(connection, context, _ATTEMPT_TIMEOUT_S, server=True) as channel:
                channel.shake_hands()
                session = PairingSession(channel)
                session.agree(PairingRole.BOB, self._secret)
                return self._admit(session)
        except (WrongCodeError, ChannelEndedError, BadKeyError):
            return False

    def _admit(self, session: PairingSession) -> bool:
        """Accept the computer's key before it is told that it paired, so that it may connect."""
        try:
            told = session.hear()
            if told.kind == PeerInfoKind.PUBLIC_KEY:
                self._accept(told.data)
            return told.kind == PeerInfoKind.PUBLIC_KEY
        finally:
            session.tell(PeerInfo(PeerInfoKind.DEVICE_GUID, self._guid.encode()))
