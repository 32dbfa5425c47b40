"""The RSA key this computer shows to phones: the user's own `adbkey`, else one of ours."""

from __future__ import annotations

import base64
import os
import socket
import tempfile
from pathlib import Path
from typing import Final

from adb_shell.auth.keygen import encode_pubkey
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from app.core.errors import BadInputError, PhoneLostError

KEY_FILE: Final = "adbkey"
_KEY_BITS: Final = 2048


class HostKey:
    """An ADB signer; the method names are the ones adb-shell calls."""

    def __init__(self, path: Path) -> None:
        """Read a PEM private key. Raises `BadInputError` where it is not an RSA key."""
        self.path = path
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise BadInputError(f"{path}: not a usable ADB key ({error}).") from None
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != _KEY_BITS:
            raise BadInputError(f"{path}: not a usable ADB key (RSA with 2048 bits is needed).")
        self._key = key
        encoded = base64.b64encode(encode_pubkey(str(path)))
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
            raise PhoneLostError(f"The phone asked to sign {len(data)} bytes; ADB has 20.")
        return self._key.sign(data, padding.PKCS1v15(), utils.Prehashed(hashes.SHA1()))  # noqa: S303 - the ADB protocol

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


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
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
