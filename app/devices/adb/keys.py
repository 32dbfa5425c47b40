"""The RSA key this computer shows to phones: the user's own `adbkey`, else one of ours."""

from __future__ import annotations

import base64
import os
import socket
import tempfile
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from app.core.errors import BadInputError, PhoneLostError, reason_of
from app.devices.adb.android_public_key import KEY_BITS, android_public_key

KEY_FILE: Final = "adbkey"
_UNUSABLE: Final = (OSError, ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature)
_PADDING: Final = padding.PKCS1v15()
_TOKEN_HASH: Final = utils.Prehashed(hashes.SHA1())  # noqa: S303 - the ADB protocol


class HostKey:
    """An ADB signer; the method names are the ones adb-shell calls."""

    def __init__(self, path: Path) -> None:
        """Read a PEM private key. Raises `BadInputError` where it is not an RSA key."""
        self.path = path
        try:
            key = _load(path.read_bytes())
        except _UNUSABLE as error:
            if isinstance(error, InvalidSignature):
                raise BadInputError("adb_key.signatures_fail", path=str(path)) from None
            raise BadInputError(
                "adb_key.unusable", path=str(path), reason=reason_of(error)
            ) from None
        if key is None:
            raise BadInputError("adb_key.of_another_kind", path=str(path), bits=KEY_BITS)
        self._key = key
        encoded = base64.b64encode(android_public_key(key.public_key()))
        self._public_line = encoded + f" shardloom@{socket.gethostname()}".encode()

    @property
    def private_key(self) -> rsa.RSAPrivateKey:
        """The key itself, for TLS; it is written nowhere but below mode 0700."""
        return self._key

    def Sign(self, data: bytes) -> bytes:  # noqa: N802 - adb-shell's name
        """Return the signature of a phone's 20-byte token, taken as a SHA-1 hash (AOSP adb).

        Raises `PhoneLostError` where the token has another size.
        """
        if len(data) != hashes.SHA1.digest_size:
            raise PhoneLostError("phone.odd_token", size=len(data))
        return self._key.sign(data, _PADDING, _TOKEN_HASH)

    def GetPublicKey(self) -> bytes:  # noqa: N802 - adb-shell's name
        """Return the line a phone stores once its owner accepts this computer."""
        return self._public_line


def host_key(folder: Path, user_home: Path) -> HostKey:
    """Return the user's `~/.android/adbkey`, which phones may know, else one below `folder`.

    The user's file is never written. Ours is made once, readable by its owner only.
    """
    users = user_home / ".android" / KEY_FILE
    if users.is_file():
        return HostKey(users)
    ours = folder / KEY_FILE
    if not ours.exists():
        _create(ours)
    return HostKey(ours)


def _load(pem: bytes) -> rsa.RSAPrivateKey | None:
    """Return the key, or None where it is of another kind.

    A signature shows whether it works. The library's own check asks whether its numbers are
    primes, which would hold every thread of the window for 30 ms.
    """
    key = serialization.load_pem_private_key(
        pem, password=None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != KEY_BITS:
        return None
    token = os.urandom(hashes.SHA1.digest_size)
    key.public_key().verify(key.sign(token, _PADDING, _TOKEN_HASH), token, _PADDING, _TOKEN_HASH)
    return key


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
        _publish(Path(temporary), path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return  # another process of ours was quicker: its key is the one
