"""The host's signing key: one Ed25519 key, readable by its owner only."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.errors import LedgerError, reason_of

_PUBLIC_KEY_BYTES = 32
_PUBLIC_KEY_FILE_BYTES = 256
EPOCH_TAG = b"poip/v1/epoch\0"


def create_key(path: Path, seed: bytes | None = None) -> Ed25519PrivateKey:
    """Make a key and write it as PKCS #8 PEM, mode 0600. Never overwrites.

    The same key comes of the same 32 bytes of `seed`, a new one of none.
    """
    made = Ed25519PrivateKey.from_private_bytes(seed) if seed else None
    key = made or Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return key


def read_key(path: Path) -> Ed25519PrivateKey:
    """Read the key. Raises `LedgerError` where it is missing, open to others or not a key."""
    try:
        if path.stat().st_mode & 0o077:
            raise LedgerError("ledger.key_open_to_others", path=str(path))
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise LedgerError(
            "ledger.key_unreadable", path=str(path), reason=reason_of(error)
        ) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise LedgerError("ledger.no_key", path=str(path)) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerError("ledger.no_ed25519_key", path=str(path))
    return key


def read_public_key(path: Path) -> bytes:
    """Return the 32 public bytes of the key at `path`. Raises `LedgerError`."""
    return public_bytes(read_key(path))


def parse_public_key(given: str) -> bytes:
    """Return the 32 public bytes of a key given in hexadecimal, or of the file that holds them.

    Raises `LedgerError` where it is neither.
    """
    text = given
    with suppress(OSError, ValueError):
        text = Path(given).read_bytes()[:_PUBLIC_KEY_FILE_BYTES].decode("ascii")
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != _PUBLIC_KEY_BYTES:
        raise LedgerError("ledger.no_public_key", given=given)
    return key


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 public bytes of a key."""
    return key.public_key().public_bytes_raw()


def epoch_secret(key: Ed25519PrivateKey, epoch: int) -> bytes:
    """Return the 32-byte audit secret of an epoch, derived from the key by HKDF (RFC 5869).

    Derived and not stored, it survives a crash; revealing it says nothing about the key.
    """
    info = EPOCH_TAG + epoch.to_bytes(8, "big")
    return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(key.private_bytes_raw())
