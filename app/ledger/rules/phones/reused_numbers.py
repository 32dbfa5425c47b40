"""Two receipts of one number under one key: what they prove, and the rule for their entry.

A phone counts what it signs on its disk, before a signature leaves it, so that an honest one gives
each number once. The two signed receipts are all the evidence there is, and all that it takes. A
phone whose disk was wiped signs with another key, whose numbers are no matter of the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

from app.core.errors import LedgerError, reason_of
from app.ledger.entry import Entry, Fields, evidence_fields, integer, record, text
from app.ledger.rules.audits.class_reading import check_format
from app.ledger.rules.evidence import SignedReceipt, contradicted
from app.ledger.rules.fifth_format import signed_by_key_of_first
from app.ledger.rules.state import Change, State
from workers.errors import ReceiptError
from workers.identity.canonical import canonical_text
from workers.identity.receipts import ReceiptBody, read_receipt

REUSED_NUMBER_TYPE: Final = "poip/v1/reused-number"
MOST_BYTES: Final = 1 << 16
"""Of the evidence: two receipts are far less."""


@dataclass(frozen=True)
class ReusedNumber:
    """Two signed receipts of one number and one key."""

    first: SignedReceipt
    """The one about a stage of the ledger that has to judge."""
    second: SignedReceipt

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return the two in an entry or evidence. Raises `LedgerError`."""
        pair = (SignedReceipt.from_fields(record(fields, name)) for name in ("first", "second"))
        return cls(*pair)

    @classmethod
    def read(cls, content: bytes) -> Self | None:
        """Return what evidence holds, None for evidence of another kind. Raises `LedgerError`."""
        fields = evidence_fields(content, REUSED_NUMBER_TYPE, MOST_BYTES)
        return None if fields is None else cls.from_fields(fields)

    def to_fields(self) -> dict[str, Any]:
        """Return the two as an entry holds them."""
        return {"first": self.first.to_fields(), "second": self.second.to_fields()}

    def content(self) -> bytes:
        """Return the evidence, which convinces whoever has it and nothing else (`proven`)."""
        return canonical_text({"type": REUSED_NUMBER_TYPE, **self.to_fields()}).encode()

    def bodies(self) -> tuple[ReceiptBody, ReceiptBody]:
        """Return what the two say, signatures not looked at.

        Raises `LedgerError` where they are none that contradict each other by their number.
        """
        first, second = self.first, self.second
        try:
            told = read_receipt(first.data), read_receipt(second.data)
        except ReceiptError as error:
            raise LedgerError("receipt.unreadable", reason=reason_of(error)) from None
        alike = first.data == second.data or first.public_key != second.public_key
        if alike or told[0].sequence != told[1].sequence:
            raise LedgerError("receipt.other_numbers")
        return told

    def proven(self) -> ReceiptBody:
        """Return what the first says, once both signatures hold. Raises `LedgerError`."""
        told, _second = self.bodies()
        self.first.verified()
        self.second.verified()
        return told


def number_reused(state: State, _entry: Entry, fields: Fields) -> Change:
    """Keep two receipts of one number, the first about a stage that its phone had."""
    check_format(state)
    pair = ReusedNumber.from_fields(fields)
    told, _second = pair.bodies()
    attempt, index = state.transaction(text(fields, "transaction")), integer(fields, "stage")
    phone = state.phone(attempt.stage(index).serial)
    if (told.transaction, told.stage, told.serial) != (attempt.transaction, index, phone.serial):
        raise LedgerError("receipt.other_stage", stage=index, transaction=attempt.transaction)
    key = pair.first.public_key
    present = key == phone.public_key and not phone.key_withdrawn
    if not present and not signed_by_key_of_first(state, attempt, index, key):
        raise LedgerError("receipt.other_key", phone=phone.serial)
    if phone.tombstoned:
        raise LedgerError("ledger.phone_banned", phone=phone.serial)
    return contradicted(attempt, phone)
