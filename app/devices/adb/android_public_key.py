"""A public RSA key as Android keeps it: with what its signature check would else work out.

The layout is AOSP's `libcrypto_utils/android_pubkey.cpp`.
"""

from __future__ import annotations

import struct
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

KEY_BITS: Final = 2048
_KEY_BYTES: Final = KEY_BITS // 8
_WORD_BITS: Final = 32
_LAYOUT: Final = struct.Struct(f"<II{_KEY_BYTES}s{_KEY_BYTES}sI")


def android_public_key(key: rsa.RSAPublicKey) -> bytes:
    """Return the 524 bytes of an RSA key with 2048 bits."""
    numbers = key.public_numbers()
    negative_inverse = -pow(numbers.n, -1, 1 << _WORD_BITS) % (1 << _WORD_BITS)
    montgomery_factor = pow(2, 2 * KEY_BITS, numbers.n)
    return _LAYOUT.pack(
        KEY_BITS // _WORD_BITS,
        negative_inverse,
        numbers.n.to_bytes(_KEY_BYTES, "little"),
        montgomery_factor.to_bytes(_KEY_BYTES, "little"),
        numbers.e,
    )
