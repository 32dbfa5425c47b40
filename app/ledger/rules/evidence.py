"""Signed receipts as the journal keeps them, checkable by anyone, and the rules for their entries.

A receipt is text, signature and key. Its form is told by what is in it: the first counted layers,
the second named the chain, the third repeats what the phone drew when the transaction was opened,
the fourth says besides what tokens were to be chosen by, today's what they rest on.
A rule that is broken raises `LedgerError`.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeVar

from app.core.errors import LedgerError, reason_of
from app.ledger.entry import Entry, Fields, integer, octets, record, text
from app.ledger.rules.accounts import stake_account
from app.ledger.rules.agreement import AGREED_FORMAT, check_agreed
from app.ledger.rules.audits.class_reading import check_grounds, is_beyond_judgement
from app.ledger.rules.deals.deal import DEAL_FORMAT
from app.ledger.rules.economy import audit_rate_for
from app.ledger.rules.fifth_format import check_form_and_class, signed_by_key_of_first
from app.ledger.rules.old_receipts import (
    FIRST_FORM,
    SECOND_FORM,
    OldReceiptBody,
    SecondReceiptBody,
)
from app.ledger.rules.stakes.standing import in_probation
from app.ledger.rules.state import (
    AgreedTerms,
    Change,
    PhoneAccount,
    State,
    TransactionRecord,
    TransactionStage,
    TransactionStatus,
)
from workers.errors import ReceiptError
from workers.identity.receipts import ReceiptBody, read_receipt, verify_receipt

MOST_KNOWN: Final = 4096
"""So many receipts are known at a time: each is asked several times, soon after it came."""
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class SignedWork:
    """Whose work a receipt is about: the stage of that index of a transaction."""

    transaction: str
    index: int
    stage: TransactionStage
    agreed: AgreedTerms | None
    """What it names of what was agreed; None in the forms before the third."""
    numerical_class: str
    says_choices: bool = False
    """Whether it says what tokens were to be chosen by."""
    says_grounds: bool = False
    """Whether it says what they rest on."""


@dataclass(frozen=True)
class ReceiptReading:
    """What a receipt's text says."""

    work: SignedWork
    content: str
    """`content_of` it."""


@dataclass(frozen=True)
class SignedReceipt:
    """A receipt's canonical JSON with what it takes to check it."""

    data: str
    signature: bytes
    public_key: bytes

    @classmethod
    def of(cls, data: bytes, signature: bytes, public_key: bytes) -> Self:
        """Return a receipt as it came: what is no text in it can only be refused."""
        return cls(data.decode(errors="replace"), signature, public_key)

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
        return self.reading().work

    def reading(self) -> ReceiptReading:
        """Return what the receipt says, signature not looked at. Raises `LedgerError`."""
        known = _READINGS.get(self.data)
        if known is None:
            known = ReceiptReading(_work_in(self.data, self._form), content_of(self.data))
            _know(_READINGS, self.data, known)
        return known

    def take_as_verified(self, reading: ReceiptReading) -> None:
        """Know that the receipt holds and what it says (`reading`): another process found it."""
        _know(_READINGS, self.data, reading)
        _know(_VERIFIED, self, reading.work)

    def verified(self) -> SignedWork:
        """Return what the receipt is about if its signature holds. Raises `LedgerError`."""
        if (known := _VERIFIED.get(self)) is not None:
            return known
        signed = self.signature, self.public_key
        try:
            match self._form:
                case 1:
                    return _old_work(FIRST_FORM.verify(self.data, *signed))
                case 2:
                    return _second_work(SECOND_FORM.verify(self.data, *signed))
            return _work(verify_receipt(self.data.encode(), *signed))
        except (LedgerError, ReceiptError, ValueError) as error:
            raise LedgerError("receipt.refused", reason=reason_of(error)) from None

    @property
    def _form(self) -> int:
        """The number of the form that it is meant to have, 1 to 3."""
        if '"first_layer":' in self.data:
            return 1
        return 3 if '"nonce":' in self.data else 2


_READINGS: Final[OrderedDict[str, ReceiptReading]] = OrderedDict()
"""What texts say. Reading is pure, so that whoever read one first spares the next. Any thread."""
_VERIFIED: Final[OrderedDict[SignedReceipt, SignedWork]] = OrderedDict()
"""Receipts that hold, text, signature and key: they are not verified again. Any thread."""
_KNOWING: Final = threading.Lock()


def _know(known: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Remember what was found; the oldest is forgotten where there is too much."""
    with _KNOWING:
        known[key] = value
        if len(known) > MOST_KNOWN:
            known.popitem(last=False)


def _work_in(data: str, form: int) -> SignedWork:
    """Return what a receipt's text is about. Raises `LedgerError`."""
    try:
        match form:
            case 1:
                return _old_work(FIRST_FORM.read(data))
            case 2:
                return _second_work(SECOND_FORM.read(data))
        return _work(read_receipt(data))
    except (LedgerError, ReceiptError) as error:
        raise LedgerError("receipt.unreadable", reason=reason_of(error)) from None


def receipt(state: State, _entry: Entry, fields: Fields) -> Change:
    """Put a stage's receipt on record; it must be of that stage's phone and layers."""
    signed = SignedReceipt.from_fields(fields)
    attempt = state.transaction(text(fields, "transaction"))
    stage = integer(fields, "stage")
    work = _check_receipt(attempt, stage, signed)
    _check_key(state, attempt, stage, signed)
    check_form_and_class(
        state, attempt, stage, work.numerical_class, says_choices=work.says_choices
    )
    check_grounds(attempt, says_grounds=work.says_grounds)
    if attempt.status.paid:
        raise LedgerError("transaction.settled", transaction=attempt.transaction)
    if stage in attempt.receipts:
        raise LedgerError("receipt.there", stage=stage, transaction=attempt.transaction)
    if attempt.epoch and not state.epoch.is_open(attempt.epoch):
        raise LedgerError("receipt.epoch_is_over", transaction=attempt.transaction)
    if attempt.deal is not None and attempt.status is not TransactionStatus.OPEN:
        status = attempt.status
        raise LedgerError("transaction.not_open", transaction=attempt.transaction, status=status)
    receipts = {**attempt.receipts, stage: signed.reading().content}
    rates = {**attempt.audit_rates, stage: _audit_rate(state, attempt.stages[stage].serial)}
    keys = {**attempt.keys, stage: signed.public_key}
    changed = {"receipts": receipts, "keys": keys, "audit_rates": rates}
    # what `replace` does, in a third of its time: most entries of a journal are receipts
    return Change(transaction=TransactionRecord(**{**vars(attempt), **changed}))


def equivocation(state: State, _entry: Entry, fields: Fields) -> Change:
    """Keep a second receipt that says something else than the first, both signed."""
    signed = SignedReceipt.from_fields(record(fields, "second"))
    attempt = state.transaction(text(fields, "transaction"))
    stage = integer(fields, "stage")
    _check_receipt(attempt, stage, signed)
    if not signed_by_key_of_first(state, attempt, stage, signed.public_key):
        _check_key(state, attempt, stage, signed)
    known, second = attempt.receipts.get(stage), content_of(signed.data)
    if known in (None, second) or not same_opening(known, second):
        raise LedgerError("receipt.no_contradiction", stage=stage)
    phone = state.phone(attempt.stages[stage].serial)
    return contradicted(attempt, phone)


def contradicted(attempt: TransactionRecord, phone: PhoneAccount) -> Change:
    """Return what it makes of a phone and its work that it signed two things of which one lies."""
    phone = replace(phone, reputation=phone.reputation.after(honest=False))
    attempt = replace(
        attempt,
        offenders=attempt.offenders | {phone.serial},
        contradicted=attempt.contradicted | {phone.serial},
    )
    return Change(phones=(phone,), transaction=attempt)


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


def _check_receipt(attempt: TransactionRecord, index: int, signed: SignedReceipt) -> SignedWork:
    """Return what a receipt is about.

    Raises `LedgerError` unless that is the stage, on the terms agreed.
    """
    stage = attempt.stage(index)
    work = signed.work()
    if (work.transaction, work.index, work.stage) != (attempt.transaction, index, stage):
        raise LedgerError("receipt.other_stage", stage=index, transaction=attempt.transaction)
    check_agreed(attempt.agreed[index] if attempt.agreed else None, work.agreed)
    return work


def _check_key(state: State, attempt: TransactionRecord, index: int, signed: SignedReceipt) -> None:
    phone = state.phone(attempt.stages[index].serial)
    if signed.public_key != phone.public_key or phone.key_withdrawn:
        raise LedgerError("receipt.other_key", phone=phone.serial)


def _audit_rate(state: State, serial: str) -> float:
    """Return how often such receipts are audited: more so where the phone has nothing to lose."""
    rate = state.epoch.audit_rate
    if rate is None:
        return 0.0
    if state.format >= DEAL_FORMAT and in_probation(state, serial):
        return 1.0
    if is_beyond_judgement(state, serial):
        return 1.0
    unstaked = state.format >= AGREED_FORMAT and state.balance(stake_account(serial)) == 0
    return audit_rate_for(rate, watched=unstaked or state.phone(serial).watched)


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
    return SignedWork(
        body.transaction,
        body.stage,
        stage,
        agreed,
        body.numerical_class,
        says_choices=body.choices is not None,
        says_grounds=body.grounds is not None,
    )


def _second_work(body: SecondReceiptBody) -> SignedWork:
    stage = TransactionStage.of(body.serial, body.blocks)
    return SignedWork(body.transaction, body.stage, stage, None, body.numerical_class)


def _old_work(body: OldReceiptBody) -> SignedWork:
    stage = TransactionStage(body.serial, None, body.first_layer, body.last_layer + 1)
    return SignedWork(body.transaction, body.stage, stage, None, body.numerical_class)
