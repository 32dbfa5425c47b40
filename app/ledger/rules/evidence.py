"""Signed receipts as the journal keeps them: text, signature and key, checkable by anyone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

from app.core.errors import LedgerError, reason_of
from app.ledger.rules.fields import Fields, octets, text
from app.ledger.rules.old_receipts import (
    OldReceiptBody,
    SecondReceiptBody,
    is_old_receipt,
    is_second_receipt,
    read_old_receipt,
    read_second_receipt,
    verify_old_receipt,
    verify_second_receipt,
)
from app.ledger.rules.state import AgreedTerms, TransactionStage
from workers.errors import ReceiptError
from workers.identity.receipts import ReceiptBody, read_receipt, verify_receipt


@dataclass(frozen=True)
class SignedWork:
    """Whose work a receipt is about: the stage of that index of a transaction."""

    transaction: str
    index: int
    stage: TransactionStage
    agreed: AgreedTerms | None
    """What it names of what was agreed; None in the forms before the third."""


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

    def work(self) -> SignedWork:
        """Return what the receipt is about, signature not looked at. Raises `LedgerError`."""
        try:
            if is_old_receipt(self.data):
                return _old_work(read_old_receipt(self.data))
            if is_second_receipt(self.data):
                return _second_work(read_second_receipt(self.data))
            return _work(read_receipt(self.data))
        except (LedgerError, ReceiptError) as error:
            raise LedgerError("receipt.unreadable", reason=reason_of(error)) from None

    def verified(self) -> SignedWork:
        """Return what the receipt is about if its signature holds. Raises `LedgerError`."""
        signed = self.signature, self.public_key
        try:
            if is_old_receipt(self.data):
                return _old_work(verify_old_receipt(self.data, *signed))
            if is_second_receipt(self.data):
                return _second_work(verify_second_receipt(self.data, *signed))
            return _work(verify_receipt(self.data.encode(), *signed))
        except (LedgerError, ReceiptError, ValueError) as error:
            raise LedgerError("receipt.refused", reason=reason_of(error)) from None


def content_of(data: str) -> str:
    """Return a receipt's content without what tells one signature from the next.

    Only a difference beyond its number and predecessor is a lie.
    """
    fields = json.loads(data)
    for name in ("sequence", "previous"):
        fields.pop(name, None)
    return json.dumps(fields, sort_keys=True)


def same_opening(first: str, second: str) -> bool:
    """Tell whether two contents are about the same opening of a transaction.

    A host may open an id twice; what an honest phone signs of each contradicts nothing.
    """
    return bool(json.loads(first).get("nonce") == json.loads(second).get("nonce"))


def contradiction(first: str, second: str) -> dict[str, Any]:
    """Return the fields in which two contents (`content_of`) differ, both values each."""
    one, other = json.loads(first), json.loads(second)
    pairs = ((name, [one.get(name), other.get(name)]) for name in sorted({*one, *other}))
    return {name: both for name, both in pairs if both[0] != both[1]}


def _work(body: ReceiptBody) -> SignedWork:
    stage = TransactionStage.of(body.serial, body.blocks)
    agreed = AgreedTerms(
        terms=body.terms,
        shard=body.shard,
        sampling=body.sampling,
        alternatives=body.alternatives,
        boundary=body.boundary.value,
        cache=body.cache.value,
    )
    return SignedWork(body.transaction, body.stage, stage, agreed)


def _second_work(body: SecondReceiptBody) -> SignedWork:
    stage = TransactionStage.of(body.serial, body.blocks)
    return SignedWork(body.transaction, body.stage, stage, None)


def _old_work(body: OldReceiptBody) -> SignedWork:
    stage = TransactionStage(body.serial, None, body.first_layer, body.last_layer + 1)
    return SignedWork(body.transaction, body.stage, stage, None)
