"""Rules for who writes a ledger that several control centres share: one at a time, each known.

Who writes admits others' keys beforehand. Who takes over signs that it does, and shows the head
that the one before signed over all that is there: both keys stand for the moment between them.
"""

from __future__ import annotations

from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, canonical_json, integer, octets, record
from app.ledger.head import SignedHead
from app.ledger.rules.state import Change, Epoch, State
from workers.errors import ReceiptError
from workers.identity.receipts import check_public_key

WRITERS_FORMAT: Final = 5
ADMIT_TAG: Final = b"poip/v1/writer-admitted\0"
TAKE_OVER_TAG: Final = b"poip/v1/writer-changed\0"
MOST_WRITERS: Final = 64


def admission_fields(key: bytes, previous_hash: bytes, own: Ed25519PrivateKey) -> dict[str, Any]:
    """Return the entry that admits a key (32 bytes), after the entry with that hash."""
    signature = own.sign(_message(ADMIT_TAG, key, previous_hash))
    return {"key": key.hex(), "signature": signature.hex()}


def take_over_fields(head: SignedHead, own: Ed25519PrivateKey) -> dict[str, Any]:
    """Return the entry by which the holder of a key goes on after another's head."""
    key = own.public_key().public_bytes_raw()
    signature = own.sign(_message(TAKE_OVER_TAG, key, head.last_hash))
    return {
        "key": key.hex(),
        "signature": signature.hex(),
        "head": {
            "size": head.size,
            "root": head.root.hex(),
            "signature": head.signature.hex(),
        },
    }


def admitted(state: State, entry: Entry, fields: Fields) -> Change:
    """Let the holder of a key write from some moment on: signed by who writes now."""
    key = octets(fields, "key", 32)
    try:
        check_public_key(key)
    except ReceiptError:
        raise LedgerError("writer.unsafe_key") from None
    if key == state.host_key or key in state.writers:
        raise LedgerError("writer.known", key=key.hex())
    if len(state.writers) >= MOST_WRITERS:
        raise LedgerError("writer.too_many", limit=MOST_WRITERS)
    _check(state.host_key, octets(fields, "signature", 64), ADMIT_TAG, key, entry.previous_hash)
    return Change(writers=state.writers | {key})


def changed(state: State, entry: Entry, fields: Fields) -> Change:
    """Go on under another key. The one before may come back; its open epoch stays unrevealed."""
    key, told = octets(fields, "key", 32), record(fields, "head")
    if key not in state.writers:
        raise LedgerError("writer.not_admitted", key=key.hex())
    _check(key, octets(fields, "signature", 64), TAKE_OVER_TAG, key, entry.previous_hash)
    head = SignedHead(
        integer(told, "size"),
        entry.previous_hash,
        octets(told, "root", 32),
        octets(told, "signature", 64),
    )
    if head.size != entry.sequence - 1 or not head.is_signed_by(state.host_key):
        raise LedgerError("writer.other_head")
    return Change(
        host_key=key,
        writers=(state.writers - {key}) | {state.host_key},
        epoch=Epoch(state.epoch.number, binding=state.epoch.binding),
    )


def _message(tag: bytes, key: bytes, previous_hash: bytes) -> bytes:
    fields = {"key": key.hex(), "previous_hash": previous_hash.hex()}
    return tag + canonical_json(fields).encode()


def _check(signer: bytes, signature: bytes, tag: bytes, key: bytes, previous_hash: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(signer).verify(
            signature, _message(tag, key, previous_hash)
        )
    except (InvalidSignature, ValueError):
        raise LedgerError("writer.unsigned", key=key.hex()) from None
