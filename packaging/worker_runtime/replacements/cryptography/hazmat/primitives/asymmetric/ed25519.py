"""Ed25519 (RFC 8032) with the interface of the package `cryptography`, computed by libsodium."""

from __future__ import annotations

import ctypes
import os

from cryptography.exceptions import InvalidSignature

KEY_BYTES = 32
SIGNATURE_BYTES = 64
_SECRET_BYTES = 64

_SODIUM = ctypes.CDLL("libsodium.so.23")
if _SODIUM.sodium_init() < 0:
    raise ImportError("libsodium could not be initialised")


class Ed25519PublicKey:
    """Verifies signatures."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @classmethod
    def from_public_bytes(cls, data: bytes) -> Ed25519PublicKey:
        """Return the key of those 32 bytes. Raises `ValueError` for any other number of them."""
        return cls(_checked(data))

    def public_bytes_raw(self) -> bytes:
        """Return the 32 bytes."""
        return self._data

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raise `InvalidSignature` where the signature is not one over the data."""
        length = ctypes.c_ulonglong(len(data))
        if len(signature) != SIGNATURE_BYTES or _SODIUM.crypto_sign_verify_detached(
            bytes(signature), bytes(data), length, self._data
        ):
            raise InvalidSignature


class Ed25519PrivateKey:
    """Signs."""

    def __init__(self, seed: bytes) -> None:
        public = ctypes.create_string_buffer(KEY_BYTES)
        secret = ctypes.create_string_buffer(_SECRET_BYTES)
        _SODIUM.crypto_sign_seed_keypair(public, secret, seed)
        self._seed, self._public, self._secret = seed, public.raw, secret.raw

    @classmethod
    def generate(cls) -> Ed25519PrivateKey:
        """Return a new key."""
        return cls(os.urandom(KEY_BYTES))

    @classmethod
    def from_private_bytes(cls, data: bytes) -> Ed25519PrivateKey:
        """Return the key of those 32 bytes. Raises `ValueError` for any other number of them."""
        return cls(_checked(data))

    def private_bytes_raw(self) -> bytes:
        """Return the 32 bytes the key was made from."""
        return self._seed

    def public_key(self) -> Ed25519PublicKey:
        """Return the key that verifies what this one signs."""
        return Ed25519PublicKey(self._public)

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature over the data."""
        signature = ctypes.create_string_buffer(SIGNATURE_BYTES)
        length = ctypes.c_ulonglong(len(data))
        _SODIUM.crypto_sign_detached(signature, None, bytes(data), length, self._secret)
        return signature.raw


def _checked(data: bytes) -> bytes:
    if len(data) != KEY_BYTES:
        raise ValueError(f"An Ed25519 key is {KEY_BYTES} bytes long")
    return bytes(data)
