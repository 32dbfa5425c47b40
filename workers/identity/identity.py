"""A phone's signing key, made on the phone, and what it signs with it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workers.errors import IdentityError, ReceiptError
from workers.identity.receipts import ReceiptBody, canonical_bytes, sign_receipt, verify_signature
from workers.identity.signed_log import SignedLine, SignedLog, SignedMemory
from workers.identity.states import STATES_DOMAIN, StatesBody, states_bytes
from workers.identity.witness import Witness
from workers.protocol.commands import OPENING_NONCE_BYTES
from workers.whole_file import replace_file

KEY_FILE = "ed25519.key"
SIGNED_FILE = "signed"
OLD_SEQUENCE_FILE = "sequence"
"""Where phones of protocol 9 and before kept the number of their last receipt, and no more."""
HEADS_FOLDER = "heads"
HELLO_DOMAIN = b"poip/v2/hello\0"
SUCCESSION_DOMAIN = b"poip/v1/succession\0"


class Identity:
    """Signs for one phone. The key never leaves its folder and is readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        """Open the folder's key, or make one. Raises `IdentityError` where it is damaged."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._key = _open_key(folder)
        self._log = SignedLog(folder / SIGNED_FILE)
        self.witness = Witness(folder / HEADS_FOLDER, self._key, time.time)
        """What this phone remembers of ledgers."""

    @property
    def public_key(self) -> bytes:
        """The 32-byte public key."""
        return self._key.public_key().public_bytes_raw()

    def prove(self, nonce: bytes, serial: str, transport_key: str, host_key: bytes) -> bytes:
        """Return the 64-byte proof that this phone holds its key, for one host and connection."""
        return self._key.sign(hello_statement(nonce, serial, transport_key, host_key))

    def opening_nonce(self) -> bytes:
        """Return 16 random bytes that tell one opening of a transaction from any other."""
        return os.urandom(OPENING_NONCE_BYTES)

    def has_signed(self, transaction: str) -> bool:
        """Tell whether a receipt of that transaction was signed, in whatever run of the worker."""
        return self._signed().has(transaction)

    def sign(self, body: ReceiptBody) -> tuple[bytes, bytes]:
        """Return a receipt's canonical bytes and their signature, number and predecessor put in.

        What is signed is on the disk first. Raises `RequestRefusedError` for a transaction that
        was signed for before, `IdentityError` where the disk does not say or take it.
        """
        signed = self._signed()
        numbered = replace(body, sequence=signed.number + 1, previous=signed.previous)
        data = canonical_bytes(numbered)
        self._note(signed.next_line(body.transaction, data))
        return data, sign_receipt(numbered, self._key)

    def sign_states(self, body: StatesBody) -> tuple[bytes, bytes]:
        """Return the canonical bytes of what is said of a replay, and their signature."""
        data = states_bytes(body)
        return data, self._key.sign(STATES_DOMAIN + data)

    def sign_times(self, tag: bytes, data: bytes) -> bytes:
        """Return the signature over what is said of the times of work, under its domain tag."""
        return self._key.sign(tag + data)

    def _signed(self) -> SignedMemory:
        return self._log.memory()

    def _note(self, line: SignedLine) -> None:
        self._log.append(line)


def verify_hello(
    public_key: bytes, nonce: bytes, serial: str, transport_key: str, host_key: bytes, proof: bytes
) -> bool:
    """Tell whether the answerer of a `hello` holds the key it names, and the key is safe.

    The proof is of key, serial number and transport key together, for the host with that key.
    """
    try:
        verify_signature(hello_statement(nonce, serial, transport_key, host_key), proof, public_key)
    except (ReceiptError, ValueError):
        return False
    return True


def succession(serial: str, public_key: bytes, host_key: bytes) -> bytes:
    """Return what a phone's old key signs so that a host's ledger takes a new one in its place.

    A domain tag and canonical JSON (RFC 8785); keys are Ed25519's, 32 bytes.
    """
    named = {"serial": serial, "public_key": public_key.hex(), "host_key": host_key.hex()}
    return SUCCESSION_DOMAIN + rfc8785.dumps(named)


def hello_statement(nonce: bytes, serial: str, transport_key: str, host_key: bytes) -> bytes:
    """Return what a phone signs to say who it is, on which connection and to which host."""
    named = {
        "nonce": nonce.hex(),
        "serial": serial,
        "transport_key": transport_key,
        "host_key": host_key.hex(),
    }
    return HELLO_DOMAIN + rfc8785.dumps(named)


def _open_key(folder: Path) -> Ed25519PrivateKey:
    key_path, signed_path = folder / KEY_FILE, folder / SIGNED_FILE
    old_path = folder / OLD_SEQUENCE_FILE
    if not key_path.exists():
        replace_file(signed_path, SignedLog.beginning(0))
        replace_file(key_path, Ed25519PrivateKey.generate().private_bytes_raw())
    elif not signed_path.exists() and old_path.exists():
        replace_file(signed_path, SignedLog.beginning(_old_number(old_path)))
    if not signed_path.exists():
        raise IdentityError("identity.without_number")
    old_path.unlink(missing_ok=True)
    try:
        return Ed25519PrivateKey.from_private_bytes(key_path.read_bytes())
    except ValueError:
        raise IdentityError("identity.key_damaged") from None


def _old_number(path: Path) -> int:
    text = path.read_text(errors="replace").strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 20):
        raise IdentityError("identity.number_damaged")
    return int(text)
