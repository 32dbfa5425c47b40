"""Receipts: what a shard states of its work, signed so that anyone can hold it to that.

Canonical JSON (RFC 8785) under Ed25519 (RFC 8032) with a domain tag before the bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from workers.errors import ReceiptError
from workers.protocol.commands import MAXIMUM_RECEIPT_BYTES

RECEIPT_DOMAIN = b"poip/v1/receipt\0"
_FIELD_PRIME = 2**255 - 19
_ORDER_EIGHT_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_LOW_ORDER_Y = frozenset(
    {0, 1, _FIELD_PRIME - 1, _ORDER_EIGHT_Y, _FIELD_PRIME - _ORDER_EIGHT_Y},
)
_ROOT_FORM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ReceiptBody:
    """One shard's statement about one transaction; hashes are lower-case hexadecimal."""

    transaction: str
    stage: int
    serial: str
    span: str
    graph: str
    first_layer: int
    last_layer: int
    input_root: str
    output_root: str
    steps: int
    tokens: int
    sequence: int
    numerical_class: str
    resumed_from: str = ""
    """The transaction whose rows it began with; its first steps are then theirs."""
    resumed_rows: int = 0


_FIELD_TYPES: dict[str, type] = {
    field.name: int if field.type == "int" else str for field in fields(ReceiptBody)
}
_OF_RESUMPTION = frozenset({"resumed_from", "resumed_rows"})
"""Fields of receipts for work that went on from earlier rows; others are written without."""


def canonical_bytes(body: ReceiptBody) -> bytes:
    """Return the bytes that are signed, without the domain tag."""
    left_out = frozenset() if body.resumed_from else _OF_RESUMPTION
    return rfc8785.dumps({key: value for key, value in vars(body).items() if key not in left_out})


def sign_receipt(body: ReceiptBody, key: Ed25519PrivateKey) -> bytes:
    """Return the 64-byte signature over the receipt's canonical bytes."""
    return key.sign(RECEIPT_DOMAIN + canonical_bytes(body))


def verify_receipt(data: bytes, signature: bytes, public_key: bytes) -> ReceiptBody:
    """Return what the receipt says once everything about it holds.

    Raises `ReceiptError` for a wrong signature, an unsafe key, missing, unknown or mistyped
    fields, and bytes that are not the canonical form of their content.
    """
    if len(data) > MAXIMUM_RECEIPT_BYTES:
        raise ReceiptError("the receipt is oversized")
    verify_signature(RECEIPT_DOMAIN + data, signature, public_key)
    body = _parse(data)
    if _canonical(body) != data:
        raise ReceiptError("the receipt is not canonical JSON")
    return body


def verify_signature(message: bytes, signature: bytes, public_key: bytes) -> None:
    """Raise `ReceiptError` where the signature does not fit or the key is unsafe."""
    check_public_key(public_key)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise ReceiptError("the signature does not fit") from None


def check_public_key(public_key: bytes) -> None:
    """Raise `ReceiptError` for an Ed25519 key of low order or in a non-canonical encoding.

    Under such keys one signature can fit many messages (RFC 8032, section 8.9 and
    "Taming the many EdDSAs", section 2).
    """
    if len(public_key) != 32:
        raise ReceiptError("a public key has 32 bytes")
    coordinate = int.from_bytes(public_key, "little") & ((1 << 255) - 1)
    if coordinate >= _FIELD_PRIME or coordinate in _LOW_ORDER_Y:
        raise ReceiptError("the public key is of low order or not canonical")


def _canonical(body: ReceiptBody) -> bytes | None:
    """Return the canonical form, None where numbers or texts have none."""
    try:
        return canonical_bytes(body)
    except ValueError:
        return None


def _parse(data: bytes) -> ReceiptBody:
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise ReceiptError("the receipt is not JSON") from None
    if not isinstance(content, dict) or _FIELD_TYPES.keys() - content.keys() not in (
        frozenset(),
        _OF_RESUMPTION,
    ):
        raise ReceiptError("the receipt's fields are not those of the protocol")
    if content.keys() - _FIELD_TYPES.keys():
        raise ReceiptError("the receipt's fields are not those of the protocol")
    for name in content:
        expected = _FIELD_TYPES[name]
        if type(content[name]) is not expected:
            raise ReceiptError(f"the receipt's {name} has the wrong type")
        if expected is int and content[name] < 0:
            raise ReceiptError(f"the receipt's {name} is negative")
    if not all(_ROOT_FORM.fullmatch(content[name]) for name in ("input_root", "output_root")):
        raise ReceiptError("the receipt's roots are not SHA-256 in hexadecimal")
    return ReceiptBody(**content)
