"""Which computers a phone trusts: ADB's RSA keys (AOSP `libcrypto_utils/android_pubkey.cpp`)."""

from __future__ import annotations

import base64
import binascii
import os
import struct
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from app.core.errors import BadInputError

TOKEN_BYTES = 20
"""Size of the challenge; ADB signs it as if it were a SHA-1 digest."""

_MODULUS_BYTES = 256
_KEY_LAYOUT = struct.Struct(f"<II{_MODULUS_BYTES}s{_MODULUS_BYTES}sI")
_MAXIMUM_KEYS = 1000


class BadKeyError(BadInputError):
    """Bytes that are not an ADB public key."""


def parse_public_key(line: bytes) -> rsa.RSAPublicKey:
    """Read an `adbkey.pub` line: base64 of word count, n0inv, modulus, rr, exponent; then a name.

    Raises `BadKeyError`.
    """
    words = line.rstrip(b"\0").split(maxsplit=1)
    if not words:
        raise BadKeyError("adb_key.empty")
    try:
        fields = _KEY_LAYOUT.unpack(base64.b64decode(words[0], validate=True))
    except (binascii.Error, struct.error) as error:
        raise BadKeyError("adb_key.odd", reason=str(error)) from None
    word_count, _, modulus, _, exponent = fields
    if word_count * 4 != _MODULUS_BYTES:
        raise BadKeyError("adb_key.odd_size", bits=_MODULUS_BYTES * 8)
    try:
        numbers = rsa.RSAPublicNumbers(exponent, int.from_bytes(modulus, "little"))
        return numbers.public_key()
    except ValueError as error:
        raise BadKeyError("adb_key.odd", reason=str(error)) from None


def is_signed_by(key: rsa.RSAPublicKey, token: bytes, signature: bytes) -> bool:
    """Return whether the owner of the key signed that token."""
    try:
        key.verify(signature, token, padding.PKCS1v15(), utils.Prehashed(hashes.SHA1()))  # noqa: S303 - ADB's own scheme
    except InvalidSignature:
        return False
    return True


class TrustedKeys:
    """The phone's `adb_keys` file: one accepted computer a line.

    Raises `BadKeyError` where the file was damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[bytes, rsa.RSAPublicKey] = {}
        if path.exists():
            for line in path.read_bytes().splitlines()[:_MAXIMUM_KEYS]:
                self._keys[_encoded(line)] = parse_public_key(line)

    def accepts(self, token: bytes, signature: bytes) -> bool:
        """Return whether an accepted computer signed that token."""
        return any(is_signed_by(key, token, signature) for key in self._keys.values())

    def knows(self, key: rsa.RSAPublicKey) -> bool:
        """Return whether the key is an accepted computer's."""
        return key in self._keys.values()

    def add(self, line: bytes) -> None:
        """Accept a computer for good. Raises `BadKeyError`."""
        key = parse_public_key(line)
        if _encoded(line) in self._keys:
            return
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(b" ".join(line.rstrip(b"\0").split()) + b"\n")
        self._keys[_encoded(line)] = key


def _encoded(line: bytes) -> bytes:
    return line.split(maxsplit=1)[0].rstrip(b"\0")
