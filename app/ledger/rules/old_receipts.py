"""Receipts as phones signed them before spans named their chain: read for old journals, never made.

Canonical JSON under Ed25519 like those of today, with a domain of their own and plain layer numbers
of a model's only chain.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import Any, Final

import rfc8785

from app.core.errors import LedgerError
from workers.identity.receipts import verify_signature
from workers.protocol.commands import MAXIMUM_RECEIPT_BYTES

OLD_RECEIPT_DOMAIN: Final = b"poip/v1/receipt\0"
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


def is_old_receipt(data: str) -> bool:
    """Tell which form a receipt is meant to have."""
    return '"first_layer":' in data


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
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise LedgerError("old_receipt.not_json") from None
    if not isinstance(content, dict) or content.keys() != _FIELD_TYPES.keys():
        raise LedgerError("old_receipt.other_fields")
    for name, expected in _FIELD_TYPES.items():
        if type(content[name]) is not expected:
            raise LedgerError("old_receipt.field_of_other_type", field=name)
        if expected is int and content[name] < 0:
            raise LedgerError("old_receipt.field_negative", field=name)
    if not all(_ROOT_FORM.fullmatch(content[name]) for name in ("input_root", "output_root")):
        raise LedgerError("old_receipt.odd_roots")
    return OldReceiptBody(**content)
