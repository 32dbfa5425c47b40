"""Receipts as phones signed them in formats 1 and 2: read for old journals, never made.

Canonical JSON under Ed25519 like those of today, each form with a domain of its own. The first had
plain layer numbers of a model's only chain, the second names the chain.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeVar

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
_AnyText = Annotated[str, Text(0, MAXIMUM_RECEIPT_BYTES)]
_Body = TypeVar("_Body", bound="OldReceiptBody | SecondReceiptBody")


@dataclass(frozen=True)
class OldReceiptBody:
    """One shard's statement about one transaction; hashes are lower-case hexadecimal."""

    transaction: _AnyText
    stage: _ExactInteger
    serial: _AnyText
    span: _AnyText
    graph: _AnyText
    first_layer: _ExactInteger
    last_layer: _ExactInteger
    input_root: _Root
    output_root: _Root
    steps: _ExactInteger
    tokens: _ExactInteger
    sequence: _ExactInteger
    numerical_class: _AnyText


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


class OldForm(Generic[_Body]):
    """How receipts of one of these forms are read and checked."""

    def __init__(self, domain: bytes, body: type[_Body]) -> None:
        """`domain` was signed before the canonical bytes."""
        self._domain = domain
        self._body = body
        self._fields = field_forms(body)

    def read(self, data: str) -> _Body:
        """Return what a receipt says, signature and form not looked at. Raises `LedgerError`."""
        try:
            content: Any = json.loads(data)
        except (ValueError, RecursionError):
            raise LedgerError("old_receipt.not_json") from None
        if not isinstance(content, dict) or content.keys() != self._fields.keys():
            raise LedgerError("old_receipt.other_fields")
        try:
            return self._body(*read_fields(self._fields, content))
        except FieldError as error:
            raise LedgerError("old_receipt.odd_field", field=error.field) from None

    def verify(self, data: str, signature: bytes, public_key: bytes) -> _Body:
        """Return what a receipt says once everything about it holds.

        Raises `LedgerError`, and `ReceiptError` for a signature that does not hold.
        """
        if len(data) > MAXIMUM_RECEIPT_BYTES:
            raise LedgerError("old_receipt.oversized", limit=MAXIMUM_RECEIPT_BYTES)
        verify_signature(self._domain + data.encode(), signature, public_key)
        body = self.read(data)
        if self._canonical(body) != data:
            raise LedgerError("old_receipt.not_canonical")
        return body

    def _canonical(self, body: _Body) -> str | None:
        """Return the canonical form, None where a text has none."""
        try:
            return rfc8785.dumps(write_fields(self._fields, body)).decode()
        except ValueError:
            return None


FIRST_FORM: Final = OldForm(OLD_RECEIPT_DOMAIN, OldReceiptBody)
SECOND_FORM: Final = OldForm(SECOND_RECEIPT_DOMAIN, SecondReceiptBody)
