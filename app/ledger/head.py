"""The signed head of the journal: it fixes the length, the chain's end and the tree's root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.ledger.entry import canonical_json

HEAD_TAG: Final = b"poip/v1/head\0"


@dataclass(frozen=True)
class SignedHead:
    """What the host signed when it wrote its newest entry.

    `root` is the RFC 6962 root over the entry hashes. A file put back whole to an earlier state
    carries an earlier valid head; only a witness outside the file could tell.
    """

    size: int
    last_hash: bytes
    root: bytes
    signature: bytes

    def is_signed_by(self, public_key: bytes) -> bool:
        """Say whether the signature is that key's."""
        message = _message(self.size, self.last_hash, self.root)
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(self.signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def sign_head(key: Ed25519PrivateKey, size: int, last_hash: bytes, root: bytes) -> SignedHead:
    """Return the head of a journal of `size` entries, signed with Ed25519; hashes are 32 bytes."""
    return SignedHead(size, last_hash, root, key.sign(_message(size, last_hash, root)))


def _message(size: int, last_hash: bytes, root: bytes) -> bytes:
    fields = {"last_hash": last_hash.hex(), "root": root.hex(), "size": size}
    return HEAD_TAG + canonical_json(fields).encode()
