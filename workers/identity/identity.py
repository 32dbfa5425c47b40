"""A phone's signing key, made on the phone, and the sequence number of its receipts."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workers.errors import IdentityError, ReceiptError
from workers.identity.receipts import ReceiptBody, canonical_bytes, sign_receipt, verify_signature
from workers.identity.states import STATES_DOMAIN, StatesBody, states_bytes
from workers.identity.witness import Witness

KEY_FILE = "ed25519.key"
SEQUENCE_FILE = "sequence"
HEADS_FOLDER = "heads"
HELLO_DOMAIN = b"poip/v1/hello\0"


class Identity:
    """Signs for one phone. The key never leaves its folder and is readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        """Open the folder's key, or make one. Raises `IdentityError` where it is damaged."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sequence_path = folder / SEQUENCE_FILE
        self._key = _open_key(folder / KEY_FILE, self._sequence_path)
        self.witness = Witness(folder / HEADS_FOLDER, self._key, time.time)
        """What this phone remembers of ledgers."""

    @property
    def public_key(self) -> bytes:
        """The 32-byte public key."""
        return self._key.public_key().public_bytes_raw()

    def prove(self, nonce: bytes) -> bytes:
        """Return the 64-byte proof that this phone holds its key."""
        return self._key.sign(HELLO_DOMAIN + nonce)

    def sign(self, body: ReceiptBody) -> tuple[bytes, bytes]:
        """Return a receipt's canonical bytes and their signature."""
        return canonical_bytes(body), sign_receipt(body, self._key)

    def sign_states(self, body: StatesBody) -> tuple[bytes, bytes]:
        """Return the canonical bytes of what is said of a replay, and their signature."""
        data = states_bytes(body)
        return data, self._key.sign(STATES_DOMAIN + data)

    def next_sequence(self) -> int:
        """Return a number never returned before under this key, on disk before it is used.

        Raises `IdentityError` where the stored number cannot be read.
        """
        with self._sequence_path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read().strip()
            if not text.isdecimal():
                raise IdentityError("identity.number_damaged")
            number = int(text) + 1
            file.seek(0)
            file.write(f"{number:020d}\n")
            file.flush()
            os.fsync(file.fileno())
        return number


def verify_hello(public_key: bytes, nonce: bytes, proof: bytes) -> bool:
    """Tell whether the answerer of a `hello` holds the key it names, and the key is safe."""
    try:
        verify_signature(HELLO_DOMAIN + nonce, proof, public_key)
    except ReceiptError:
        return False
    return True


def _open_key(key_path: Path, sequence_path: Path) -> Ed25519PrivateKey:
    if not key_path.exists():
        _write_private(sequence_path, b"%020d\n" % 0)
        _write_private(key_path, Ed25519PrivateKey.generate().private_bytes_raw())
    if not sequence_path.exists():
        raise IdentityError("identity.without_number")
    try:
        return Ed25519PrivateKey.from_private_bytes(key_path.read_bytes())
    except ValueError:
        raise IdentityError("identity.key_damaged") from None


def _write_private(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
