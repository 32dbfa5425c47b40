"""Whether a phone does what it says that it can: by its own signed word about ordinary work.

A canary is work that somebody asked for, drawn once its phone has signed for it; nothing tells it
from other work before. Its phone has signed what its steps took, and what it stands by. Three of
the last five that fall short of that cost a share of the stake: all figures are the phone's own, so
that a host that lies about times takes nothing from anybody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Self

from app.core.errors import LedgerError, reason_of
from app.ledger.entry import Entry, Fields, evidence_fields, integer, octets, records, text
from app.ledger.rules.economy import WATCHED_AUDITS
from app.ledger.rules.phones.canary_record import CanaryRecord, Pace
from app.ledger.rules.state import Change, PhoneAccount, State, TransactionRecord
from workers.errors import ReceiptError
from workers.identity.canonical import canonical_text
from workers.pledges.work_times import WorkTimes, verify_times

CANARY_FORMAT: Final = 7
MOST_CANARIES: Final = 5
MOST_SHORT: Final = 2
"""One more of the last five, and the phone has claimed what it cannot do."""
FALSE_CAPABILITY: Final = "false-capability"
FALSE_CAPABILITY_TYPE: Final = "poip/v1/false-capability"
MOST_BYTES: Final = 1 << 14


class Excuse(StrEnum):
    """Why a canary does not count, by the phone's vitals."""

    NONE = ""
    HEAT = "heat"
    CABLE = "cable"


@dataclass(frozen=True)
class SignedTimes:
    """A statement of what work took, with what it takes to check it."""

    data: str
    signature: bytes
    public_key: bytes

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return the statement in an entry or evidence. Raises `LedgerError`."""
        signature, key = octets(fields, "signature", 64), octets(fields, "public_key", 32)
        return cls(text(fields, "data"), signature, key)

    def to_fields(self) -> dict[str, Any]:
        """Return it as an entry holds it."""
        signature, key = self.signature.hex(), self.public_key.hex()
        return {"data": self.data, "signature": signature, "public_key": key}

    def verified(self) -> WorkTimes:
        """Return what it says, once its signature holds. Raises `LedgerError`."""
        try:
            return verify_times(self.data.encode(), self.signature, self.public_key)
        except (ReceiptError, ValueError) as error:
            raise LedgerError("canary.refused", reason=reason_of(error)) from None


@dataclass(frozen=True)
class FalseCapability:
    """Statements of one key in which its holder stands by more than it did."""

    statements: tuple[SignedTimes, ...]

    @classmethod
    def read(cls, content: bytes) -> Self | None:
        """Return what evidence holds, None for evidence of another kind. Raises `LedgerError`."""
        fields = evidence_fields(content, FALSE_CAPABILITY_TYPE, MOST_BYTES)
        return (
            None
            if fields is None
            else cls(tuple(map(SignedTimes.from_fields, records(fields, "statements"))))
        )

    @classmethod
    def of(cls, canaries: Sequence[CanaryRecord]) -> Self:
        """Return what is kept of those that fell short."""
        kept = (json.loads(each.statement) for each in short_ones(canaries))
        return cls(tuple(map(SignedTimes.from_fields, kept)))

    def content(self) -> bytes:
        """Return the evidence, which convinces whoever has it and nothing else (`proven`)."""
        statements = [each.to_fields() for each in self.statements]
        return canonical_text({"type": FALSE_CAPABILITY_TYPE, "statements": statements}).encode()

    def proven(self) -> tuple[WorkTimes, ...]:
        """Return what was signed, once that shows what it is to show. Raises `LedgerError`.

        So many statements, of as many transactions, under one key and to one host; each falls
        short. What a host chose to leave out changes nothing: an honest phone signs none such.
        """
        told = tuple(each.verified() for each in self.statements)
        pairs = zip(self.statements, told, strict=True)
        keys = {(each.public_key, said.host_key) for each, said in pairs}
        works = {(said.transaction, said.nonce) for said in told}
        short = all(said.falls_short for said in told)
        if not (short and len(keys) == 1 and len(works) == len(told) > MOST_SHORT):
            raise LedgerError("canary.proves_nothing")
        return told


def canary(state: State, _entry: Entry, fields: Fields) -> Change:
    """Keep what a phone signed of the times of a stage that was drawn, once of each."""
    if state.format < CANARY_FORMAT:
        raise LedgerError("entry.of_newer_format", format=CANARY_FORMAT)
    attempt, stage = state.transaction(text(fields, "transaction")), integer(fields, "stage")
    serial, excuse = attempt.stage(stage).serial, _excuse(fields)
    if stage not in attempt.receipts or stage in attempt.canaries:
        raise LedgerError("canary.not_due", stage=stage, transaction=attempt.transaction)
    signed = SignedTimes.from_fields(fields)
    told = signed.verified()
    _check_same_work(attempt, stage, signed.public_key, told)
    phone = state.phone(serial)
    attempt = replace(attempt, canaries=attempt.canaries | {stage})
    if not told.counts:
        return Change(transaction=attempt)
    phone = replace(phone, pace=Pace(told.weight_bytes, told.taken_us // told.steps))
    if excuse is Excuse.NONE:
        noted = recorded(attempt.transaction, stage, signed, told)
        phone = replace(phone, canaries=(*phone.canaries, noted)[-MOST_CANARIES:])
    if len(short_ones(phone.canaries)) > MOST_SHORT:
        phone, attempt = _overclaimed(phone, attempt)
    return Change(phones=(phone,), transaction=attempt)


def recorded(transaction: str, stage: int, signed: SignedTimes, told: WorkTimes) -> CanaryRecord:
    """Return what is kept of a canary; of one that falls short what convinces others of that."""
    statement = canonical_text(signed.to_fields()) if told.falls_short else ""
    return CanaryRecord(transaction, stage, told.falls_short, statement)


def short_ones(canaries: Sequence[CanaryRecord]) -> list[CanaryRecord]:
    """Return those that fell short, under the key and to the host of the newest of them.

    Only those together convince others (`FalseCapability.proven`): a phone may have a new key by
    now, and a journal another writer.
    """
    short = [each for each in canaries if each.short]
    return [each for each in short if _parties(each) == _parties(short[-1])]


def _parties(canary: CanaryRecord) -> tuple[str, str]:
    """Return the keys of the phone and of the host of one that fell short."""
    signed = json.loads(canary.statement)
    return signed["public_key"], json.loads(signed["data"])["host_key"]


def _overclaimed(
    phone: PhoneAccount, attempt: TransactionRecord
) -> tuple[PhoneAccount, TransactionRecord]:
    """Return what it makes of a phone that it stands by what it does not do; it begins anew."""
    reputation = phone.reputation.after(honest=False)
    phone = replace(phone, reputation=reputation, watched_audits=WATCHED_AUDITS, canaries=())
    return phone, replace(attempt, overclaimed=attempt.overclaimed | {phone.serial})


def _excuse(fields: Fields) -> Excuse:
    try:
        return Excuse(text(fields, "excuse"))
    except ValueError:
        raise LedgerError("canary.unknown_excuse") from None


def _check_same_work(
    attempt: TransactionRecord, stage: int, public_key: bytes, told: WorkTimes
) -> None:
    """Raise `LedgerError` unless a statement is of the opening and key of the receipt on record."""
    nonce = json.loads(attempt.receipts[stage]).get("nonce")
    host_key = attempt.agreed[stage].terms.host_key if attempt.agreed else ""
    own = attempt.transaction, stage, attempt.stages[stage].serial, nonce, host_key
    said = told.transaction, told.stage, told.serial, told.nonce, told.host_key
    if own != said or attempt.keys.get(stage) != public_key:
        raise LedgerError("canary.other_work", stage=stage, transaction=attempt.transaction)
