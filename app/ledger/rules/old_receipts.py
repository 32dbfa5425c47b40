"""Receipts as phones signed them in formats 1 and 2: read for old journals, never made.

Canonical JSON under Ed25519 like those of today, each form with a domain of its own. The first had
plain layer numbers of a model's only chain, the second names the chain.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

import rfc8785

from app.core.errors import LedgerError
from workers.identity.receipts import verify_signature
from workers.protocol.bounds import (
    Digest,
    FieldError,
    Integer,
    ShortText,
    Text,
    Uint32,
    read_fields,
    write_fields,
)
from workers.protocol.chain import Span
from workers.protocol.commands import MAXIMUM_RECEIPT_BYTES, Stage, TransactionText
from workers.protocol.forms import field_forms
from workers.protocol.step_message import MAXIMUM_IDENTIFIER

OLD_RECEIPT_DOMAIN: Final = b"poip/v1/receipt\0"
SECOND_RECEIPT_DOMAIN: Final = b"poip/v2/receipt\0"
_Root = Annotated[str, Digest()]
_ExactInteger = Annotated[int, Integer(0, (1 << 53) - 1)]
_ROOT_FORM: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class OldReceiptBody:
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


_FIELD_TYPES: Final = {
    field.name: int if field.type == "int" else str for field in fields(OldReceiptBody)
}


@dataclass(frozen=True)
class SecondReceiptBody:
    """What the second form says: nothing of the request, the model or the journal."""

    transaction: TransactionText
    stage: Stage
    serial: ShortText
    span: ShortText
    graph: _Root
    blocks: Span
    input_root: _Root
    output_root: _Root
    steps: Uint32
    tokens: _ExactInteger
    sequence: _ExactInteger
    numerical_class: ShortText
    resumed_from: Annotated[str, Text(0, MAXIMUM_IDENTIFIER, ascii_only=True)] = ""
    resumed_rows: Uint32 = 0


_SECOND_FORMS: Final = field_forms(SecondReceiptBody)


def verify_second_receipt(data: str, signature: bytes, public_key: bytes) -> SecondReceiptBody:
    """Return what a receipt of the second form says once everything about it holds.

    Raises `LedgerError`, and `ReceiptError` for a signature that does not hold.
    """
    if len(data) > MAXIMUM_RECEIPT_BYTES:
        raise LedgerError("old_receipt.oversized", limit=MAXIMUM_RECEIPT_BYTES)
    verify_signature(SECOND_RECEIPT_DOMAIN + data.encode(), signature, public_key)
    body = read_second_receipt(data)
    if rfc8785.dumps(write_fields(_SECOND_FORMS, body)).decode() != data:
        raise LedgerError("old_receipt.not_canonical")
    return body


def read_second_receipt(data: str) -> SecondReceiptBody:
    """Return what it says, signature and form not looked at. Raises `LedgerError`."""
    content = _json_object(data)
    if content.keys() != _SECOND_FORMS.keys():
        raise LedgerError("old_receipt.other_fields")
    try:
        return SecondReceiptBody(*read_fields(_SECOND_FORMS, content))
    except FieldError as error:
        raise LedgerError("old_receipt.field_of_other_type", field=error.field) from None


def verify_old_receipt(data: str, signature: bytes, public_key: bytes) -> OldReceiptBody:
    """Return what the receipt says once everything about it holds.

    Raises `LedgerError`, and `ReceiptError` for a signature that does not hold.
    """
    if len(data) > MAXIMUM_RECEIPT_BYTES:
        raise LedgerError("old_receipt.oversized", limit=MAXIMUM_RECEIPT_BYTES)
    verify_signature(OLD_RECEIPT_DOMAIN + data.encode(), signature, public_key)
    body = read_old_receipt(data)
    try:
        canonical = rfc8785.dumps(vars(body)).decode()
    except ValueError:
        canonical = ""
    if canonical != data:
        raise LedgerError("old_receipt.not_canonical")
    return body


def read_old_receipt(data: str) -> OldReceiptBody:
    """Return what a receipt says, signature and form not looked at. Raises `LedgerError`."""
    content = _json_object(data)
    if content.keys() != _FIELD_TYPES.keys():
        raise LedgerError("old_receipt.other_fields")
    for name, expected in _FIELD_TYPES.items():
        if type(content[name]) is not expected:
            raise LedgerError("old_receipt.field_of_other_type", field=name)
        if expected is int and content[name] < 0:
            raise LedgerError("old_receipt.field_negative", field=name)
    if not all(_ROOT_FORM.fullmatch(content[name]) for name in ("input_root", "output_root")):
        raise LedgerError("old_receipt.odd_roots")
    return OldReceiptBody(**content)


def _json_object(data: str) -> dict[str, Any]:
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise LedgerError("old_receipt.not_json") from None
    if not isinstance(content, dict):
        raise LedgerError("old_receipt.other_fields")
    return content
