"""Pairing this computer with a phone by the code that the phone shows."""

from __future__ import annotations

import re
import socket
from typing import Final

from app.core.errors import BadInputError, PhoneLostError, reason_of
from app.devices.adb.keys import HostKey
from app.devices.errors import PairingError
from app.devices.links.tcp_link import split_address
from app.devices.wireless.identity import identity_of, peer_context
from app.devices.wireless.pairing_exchange import (
    PairingSession,
    PeerInfo,
    PeerInfoKind,
    WrongCodeError,
)
from app.devices.wireless.spake2 import PairingRole
from app.devices.wireless.tls_channel import ChannelEndedError, TlsChannel

CONNECT_TIMEOUT_S: Final = 5.0
PAIRING_TIMEOUT_S: Final = 10.0
_CODE: Final = re.compile(r"[0-9]{6}")
_GUID: Final = re.compile(r"[\x21-\x7e]{1,128}")


def check_code(text: str) -> str:
    """Return the six digits, spaces between them dropped. Raises `BadInputError`."""
    digits = text.replace(" ", "")
    if not _CODE.fullmatch(digits):
        raise BadInputError("pairing.odd_code")
    return digits


def pair(address: str, secret: str, key: HostKey, timeout_s: float | None = None) -> str:
    """Pair with the phone whose pairing window names that `HOST:PORT`; return the phone's GUID.

    The secret is the six digits or a QR code's password. From then on the phone accepts the key.
    All of it may take `PAIRING_TIMEOUT_S` where nothing else is given.
    Raises `PhoneLostError` where nobody answers, `PairingError` with what to do otherwise.
    """
    host, port = split_address(address)
    try:
        connection = socket.create_connection((host, port), CONNECT_TIMEOUT_S)
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise PhoneLostError("pairing.nobody_answers", address=address) from None
        raise PhoneLostError("pairing.nobody", address=address, reason=reason_of(error)) from None
    context = peer_context(identity_of(key.private_key), lambda _: True)
    limit_s = PAIRING_TIMEOUT_S if timeout_s is None else timeout_s
    with TlsChannel(connection, context, limit_s, server=False) as channel:
        told = _exchange(channel, address, secret, key)
    guid = told.data.decode("ascii", "replace")
    if told.kind != PeerInfoKind.DEVICE_GUID or not _GUID.fullmatch(guid):
        raise PairingError("pairing.nameless", address=address)
    return guid


def _exchange(channel: TlsChannel, address: str, secret: str, key: HostKey) -> PeerInfo:
    own = PeerInfo(PeerInfoKind.PUBLIC_KEY, key.GetPublicKey())
    try:
        channel.shake_hands()
        session = PairingSession(channel)
        session.agree(PairingRole.ALICE, secret)
        session.tell(own)
        return session.hear()
    except WrongCodeError:
        raise PairingError("pairing.another_code", address=address) from None
    except ChannelEndedError as error:
        if error.silent:
            raise PairingError("pairing.silent", address=address) from None
        raise PairingError("pairing.ended", address=address, reason=error.fact) from None
