"""How an ADB connection comes up: CNXN, AUTH, CNXN (AOSP `docs/dev/protocol.md`). No I/O."""

from __future__ import annotations

import secrets
from enum import IntEnum

from app.virtual.adbd.authentication import (
    TOKEN_BYTES,
    BadKeyError,
    TrustedKeys,
    parse_public_key,
)
from app.virtual.adbd.packets import (
    MAXIMUM_PAYLOAD_BYTES,
    MINIMUM_PAYLOAD_BYTES,
    VERSION_WITH_CHECKSUMS,
    VERSION_WITHOUT_CHECKSUMS,
    AdbCommand,
    Packet,
    ProtocolError,
)

_MAXIMUM_SIGNATURES = 64
_MAXIMUM_KEY_BYTES = 4096


class AuthenticationKind(IntEnum):
    """The first argument of an AUTH packet."""

    TOKEN = 1
    SIGNATURE = 2
    PUBLIC_KEY = 3


class Handshake:
    """The phone's side of coming up; afterwards it knows what the computer can take.

    With `ask`, an unknown key is kept in `pending_key` until `accept_pending_key`. With `proven`,
    TLS has seen the computer's key already and nothing is asked.
    """

    def __init__(
        self, keys: TrustedKeys, banner: bytes, *, ask: bool, proven: bool = False
    ) -> None:
        self._keys = keys
        self._banner = banner
        self._ask = ask
        self._proven = proven
        self._token = b""
        self._signatures = 0
        self.version = VERSION_WITH_CHECKSUMS
        self.peer_maximum_bytes = MINIMUM_PAYLOAD_BYTES
        self.pending_key: bytes | None = None
        self.is_online = False

    def receive(self, packet: Packet) -> Packet | None:
        """Return the answer to a CNXN or AUTH packet, or raise `ProtocolError`.

        None while the computer has to wait for somebody to accept its key.
        """
        if packet.command is AdbCommand.CNXN:
            return self._begin(packet)
        if packet.command is not AdbCommand.AUTH or not self._token:
            raise ProtocolError("command.too_early", command=packet.command.name)
        if packet.argument0 == AuthenticationKind.SIGNATURE:
            return self._check_signature(packet.payload)
        if packet.argument0 == AuthenticationKind.PUBLIC_KEY:
            return self._offer_key(packet.payload)
        raise ProtocolError("authentication.odd_kind", kind=packet.argument0)

    def accept_pending_key(self) -> Packet | None:
        """Trust the computer that is waiting and bring it online; None where none waits."""
        if self.pending_key is None:
            return None
        self._keys.add(self.pending_key)
        return self._welcome()

    def _begin(self, packet: Packet) -> Packet:
        if packet.argument1 < MINIMUM_PAYLOAD_BYTES:
            raise ProtocolError("connection.odd_maxdata", size=packet.argument1)
        self.version = min(packet.argument0, VERSION_WITHOUT_CHECKSUMS)
        self.peer_maximum_bytes = min(packet.argument1, MAXIMUM_PAYLOAD_BYTES)
        self.is_online = False
        return self._welcome() if self._proven else self._challenge()

    def _challenge(self) -> Packet:
        self._token = secrets.token_bytes(TOKEN_BYTES)
        return Packet(AdbCommand.AUTH, AuthenticationKind.TOKEN, 0, self._token)

    def _check_signature(self, signature: bytes) -> Packet:
        self._signatures += 1
        if self._signatures > _MAXIMUM_SIGNATURES:
            raise ProtocolError("authentication.too_many_signatures")
        if self._keys.accepts(self._token, signature):
            return self._welcome()
        return self._challenge()

    def _offer_key(self, key: bytes) -> Packet | None:
        if len(key) > _MAXIMUM_KEY_BYTES:
            raise ProtocolError("authentication.key_too_large", size=len(key))
        try:
            parse_public_key(key)
        except BadKeyError as error:
            raise ProtocolError("authentication.odd_key", reason=error.fact) from None
        self.pending_key = key
        return None if self._ask else self.accept_pending_key()

    def _welcome(self) -> Packet:
        self._token = b""
        self.pending_key = None
        self.is_online = True
        return Packet(
            AdbCommand.CNXN, VERSION_WITHOUT_CHECKSUMS, MAXIMUM_PAYLOAD_BYTES, self._banner
        )
