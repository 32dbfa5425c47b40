"""Receipts: what a shard states of its work, signed so that anyone can hold it to that.

Canonical JSON (RFC 8785) under Ed25519 (RFC 8032) with a domain tag before the bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from workers.errors import ReceiptError
from workers.identity.canonical import canonical_text
from workers.protocol.boundary import Boundary
from workers.protocol.bounds import (
    Digest,
    FieldError,
    Form,
    Integer,
    ShortText,
    Text,
    Uint32,
    read_fields,
)
from workers.protocol.chain import Span
from workers.protocol.commands import MAXIMUM_RECEIPT_BYTES, SignedTerms, Stage, TransactionText
from workers.protocol.forms import field_forms
from workers.protocol.sampling_rule import MAXIMUM_ALTERNATIVES
from workers.protocol.span_shape import CacheType
from workers.protocol.step_message import MAXIMUM_IDENTIFIER

RECEIPT_DOMAIN: Final = b"poip/v5/receipt\0"
FOURTH_RECEIPT_DOMAIN: Final = b"poip/v4/receipt\0"
"""Of receipts that say nothing of what tokens rest on: read for old journals, never made."""
THIRD_RECEIPT_DOMAIN: Final = b"poip/v3/receipt\0"
"""Of receipts that say nothing of what steered tokens: read for old journals, never made."""
_FIELD_PRIME = 2**255 - 19
_ORDER_EIGHT_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_LOW_ORDER_Y = frozenset(
    {0, 1, _FIELD_PRIME - 1, _ORDER_EIGHT_Y, _FIELD_PRIME - _ORDER_EIGHT_Y},
)
_Root = Annotated[str, Digest()]
_ExactInteger = Annotated[int, Integer(0, (1 << 53) - 1)]
"""What JSON carries without rounding it."""


@dataclass(frozen=True)
class ReceiptBody:
    """One shard's statement about one transaction; hashes are lower-case hexadecimal."""

    transaction: TransactionText
    stage: Stage
    serial: ShortText
    span: ShortText
    """What the host called it."""
    graph: _Root
    blocks: Span
    input_root: _Root
    output_root: _Root
    steps: Uint32
    tokens: _ExactInteger
    numerical_class: ShortText
    nonce: Annotated[str, Text(32, 32, ascii_only=True)]
    """What the phone drew when it opened the transaction, hexadecimal."""
    terms: SignedTerms
    shard: _Root
    """Of the graph and weights that it ran (`shard_digest`)."""
    sampling: _Root
    """Of how tokens are chosen (`sampling_digest`)."""
    alternatives: Annotated[int, Integer(0, MAXIMUM_ALTERNATIVES)]
    boundary: Boundary
    cache: CacheType
    resumed_from: Annotated[str, Text(0, MAXIMUM_IDENTIFIER, ascii_only=True)] = ""
    """The transaction whose rows it began with, whose first steps are then its own; else empty."""
    resumed_rows: Uint32 = 0
    sequence: _ExactInteger = 0
    """How many receipts the phone has signed, this one included; counted as it signs."""
    previous: Annotated[str, Text(0, 64, ascii_only=True)] = ""
    """SHA-256 of the canonical bytes of the receipt it signed before; empty for its first."""
    choices: _Root | None = None
    """Over what steered each token (`choices_root`); None in receipts of protocols before 12."""
    grounds: _Root | None = None
    """Over what each token rests on (`grounds_root`); None in receipts of protocols before 14."""


_FORMS: Final = field_forms(ReceiptBody)
_FOURTH_FORMS: Final = {name: form for name, form in _FORMS.items() if name != "grounds"}
_THIRD_FORMS: Final = {name: form for name, form in _FOURTH_FORMS.items() if name != "choices"}


def canonical_bytes(body: ReceiptBody) -> bytes:
    """Return the bytes that are signed, without the domain tag."""
    content = {**vars(body)}
    for name in ("choices", "grounds"):
        if content[name] is None:
            del content[name]
    return canonical_text(content).encode()


def sign_receipt(body: ReceiptBody, key: Ed25519PrivateKey) -> bytes:
    """Return the 64-byte signature over the receipt's canonical bytes."""
    return key.sign(_domain(body) + canonical_bytes(body))


def verify_receipt(data: bytes, signature: bytes, public_key: bytes) -> ReceiptBody:
    """Return what the receipt says once everything about it holds, in the form it was signed in.

    Raises `ReceiptError` for a wrong signature, an unsafe key, missing, unknown or mistyped
    fields, and bytes that are not the canonical form of their content.
    """
    if len(data) > MAXIMUM_RECEIPT_BYTES:
        raise ReceiptError("receipt.too_large")
    body = read_receipt(data)
    verify_signature(_domain(body) + data, signature, public_key)
    if _canonical(body) != data:
        raise ReceiptError("receipt.not_canonical")
    return body


def read_receipt(data: bytes | str) -> ReceiptBody:
    """Return what a receipt says, signature and form not looked at. Raises `ReceiptError`."""
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise ReceiptError("receipt.no_json") from None
    if not isinstance(content, dict):
        raise ReceiptError("receipt.other_fields")
    forms = _forms_of(content)
    if content.keys() != forms.keys():
        raise ReceiptError("receipt.other_fields")
    try:
        return ReceiptBody(*read_fields(forms, content))
    except FieldError as error:
        raise ReceiptError(error.reason, **dict(error.fields)) from None


def _forms_of(content: dict[str, Any]) -> dict[str, Form]:
    """Return the fields of a receipt of its time, told by what is in it."""
    if "grounds" in content:
        return _FORMS
    return _FOURTH_FORMS if "choices" in content else _THIRD_FORMS


def _domain(body: ReceiptBody) -> bytes:
    if body.grounds is not None:
        return RECEIPT_DOMAIN
    return THIRD_RECEIPT_DOMAIN if body.choices is None else FOURTH_RECEIPT_DOMAIN


def _canonical(body: ReceiptBody) -> bytes | None:
    """Return the canonical form, None where a text has none."""
    try:
        return canonical_bytes(body)
    except ValueError:
        return None


def verify_signature(message: bytes, signature: bytes, public_key: bytes) -> None:
    """Raise `ReceiptError` where the signature does not fit or the key is unsafe."""
    check_public_key(public_key)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise ReceiptError("signature.does_not_fit") from None


def check_public_key(public_key: bytes) -> None:
    """Raise `ReceiptError` for an Ed25519 key of low order or in a non-canonical encoding.

    Under such keys one signature can fit many messages (RFC 8032, section 8.9 and
    "Taming the many EdDSAs", section 2).
    """
    if len(public_key) != 32:
        raise ReceiptError("public_key.of_another_size")
    coordinate = int.from_bytes(public_key, "little") & ((1 << 255) - 1)
    if coordinate >= _FIELD_PRIME or coordinate in _LOW_ORDER_Y:
        raise ReceiptError("public_key.unsafe")
