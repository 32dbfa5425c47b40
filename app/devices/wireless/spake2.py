"""SPAKE2 as BoringSSL has it (`crypto/curve25519/spake25519.c`), which adb's pairing uses.

Not the SPAKE2 of RFC 9382 nor of the package of that name: other constants, another transcript and
a password scalar that is a multiple of the cofactor.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.devices.wireless import edwards25519 as curve

_COFACTOR_BITS: Final = 3
_M: Final = curve.decode(
    bytes.fromhex("5ada7e4bf6ddd9adb6626d32131c6b5c51a1e347a3478f53cfcf441b88eed12e")
)
_N: Final = curve.decode(
    bytes.fromhex("10e3df0ae37d8e7a99b5fe74b44672103dbddcbd06af680d71329a11693bc778")
)


class PairingRole(Enum):
    """Which side one is. In adb's pairing the computer is Alice and the phone is Bob."""

    ALICE = "alice"
    BOB = "bob"


@dataclass(frozen=True)
class PartyNames:
    """What both sides are called, in the bytes that enter the key."""

    alice: bytes
    bob: bytes


class Spake2:
    """One side of one exchange: send `message`, then derive the key from the peer's."""

    def __init__(self, role: PairingRole, names: PartyNames, password: bytes) -> None:
        self._role = role
        self._names = names
        self._password_hash = hashlib.sha512(password).digest()
        self._blind = _password_scalar(self._password_hash)
        random = int.from_bytes(secrets.token_bytes(64), "little")
        self._private = random % curve.ORDER << _COFACTOR_BITS
        own = _M if role is PairingRole.ALICE else _N
        self.message = curve.encode(
            curve.add(curve.multiply(self._private, curve.BASE), curve.multiply(self._blind, own))
        )

    def key(self, peer_message: bytes) -> bytes:
        """Return 64 bytes that are the peer's too where the passwords are equal.

        Raises `ValueError` where the message is no point of the curve.
        """
        other = _N if self._role is PairingRole.ALICE else _M
        blind = curve.negate(curve.multiply(self._blind, other))
        unblinded = curve.add(curve.decode(peer_message), blind)
        shared = curve.encode(curve.multiply(self._private, unblinded))
        messages = (self.message, peer_message)
        alice, bob = messages if self._role is PairingRole.ALICE else reversed(messages)
        transcript = hashlib.sha512()
        for part in (
            *(self._names.alice, self._names.bob, alice, bob),
            *(shared, self._password_hash),
        ):
            transcript.update(len(part).to_bytes(8, "little") + part)
        return transcript.digest()


def _password_scalar(password_hash: bytes) -> int:
    """Return the hash as a scalar, made a multiple of 8 by adding multiples of the order."""
    scalar = int.from_bytes(password_hash, "little") % curve.ORDER
    for bit in (1, 2, 4):
        if scalar & bit:
            scalar += bit * curve.ORDER
    return scalar
