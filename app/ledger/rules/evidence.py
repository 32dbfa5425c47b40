"""Signed receipts as the journal keeps them: text, signature and key, checkable by anyone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

from app.core.errors import LedgerError
from app.ledger.rules.fields import Fields, octets, text
from workers.errors import ReceiptError
from workers.identity.receipts import ReceiptBody, verify_receipt


@dataclass(frozen=True)
class SignedReceipt:
    """A receipt's canonical JSON with what it takes to check it."""

    data: str
    signature: bytes
    public_key: bytes

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return the receipt in an entry. Raises `LedgerError`."""
        signature, key = octets(fields, "signature", 64), octets(fields, "public_key", 32)
        return cls(text(fields, "data"), signature, key)

    def to_fields(self) -> dict[str, Any]:
        """Return the receipt as an entry holds it."""
        return {
            "data": self.data,
            "public_key": self.public_key.hex(),
            "signature": self.signature.hex(),
        }

    def body(self) -> ReceiptBody:
        """Return what the receipt says, signature not looked at. Raises `LedgerError`."""
        try:
            return ReceiptBody(**json.loads(self.data))
        except (ValueError, TypeError):
            raise LedgerError("The receipt cannot be read.") from None

    def verified(self) -> ReceiptBody:
        """Return what the receipt says if its signature holds. Raises `LedgerError`."""
        try:
            return verify_receipt(self.data.encode(), self.signature, self.public_key)
        except (ReceiptError, ValueError, RecursionError) as error:
            raise LedgerError(f"Receipt refused: {error}.") from None


def content_of(data: str) -> str:
    """Return a receipt's content without its sequence number.

    A phone asked twice signs twice, with two numbers: only a difference beyond them is a lie.
    """
    fields = json.loads(data)
    fields.pop("sequence", None)
    return json.dumps(fields, sort_keys=True)


def contradiction(first: str, second: str) -> dict[str, Any]:
    """Return the fields in which two contents (`content_of`) differ, both values each."""
    one, other = json.loads(first), json.loads(second)
    names = [*one, *(name for name in other if name not in one)]
    return {
        name: [one.get(name), other.get(name)] for name in names if one.get(name) != other.get(name)
    }
