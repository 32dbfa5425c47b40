"""Rules for entries about one transaction: opening, audits, roll-back, settlement.

One that is broken raises `LedgerError` and changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from app.core.audit_outcome import AuditOutcome, DutyOutcome
from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, amount, flag, integer, octets, records, text
from app.ledger.rules.accounts import post
from app.ledger.rules.agreement import AGREED_FORMAT, read_agreed
from app.ledger.rules.phones.phone_rules import after_audit, jail_until
from app.ledger.rules.settlement import Payment, payment_transfers, payments_of
from app.ledger.rules.stages import read_stages
from app.ledger.rules.state import Change, State, TransactionRecord, TransactionStatus


def opened(state: State, entry: Entry, fields: Fields) -> Change:
    """Begin an attempt: which registered phones hold which layers, at what price, on what terms."""
    name = text(fields, "transaction")
    if name in state.transactions:
        raise LedgerError("transaction.open_already", transaction=name)
    text(fields, "request")
    text(fields, "model")
    stages, epoch = read_stages(state, fields), state.epoch
    if epoch.binding and epoch.commitment is None:
        raise LedgerError("transaction.outside_epoch", transaction=name)
    price, agreed = amount(fields, "price_per_token"), read_agreed(state, entry, fields)
    number = epoch.number if epoch.binding else 0
    return Change(transaction=TransactionRecord(name, stages, price, agreed, epoch=number))


def withheld(state: State, entry: Entry, fields: Fields) -> Change:
    """Note that a phone did not answer for its work: reputation and jail, no slash.

    Where the entry tells what the phone is left unpaid for, it is not paid.
    """
    attempt = state.transaction(text(fields, "transaction"))
    phone = state.phone(text(fields, "serial"))
    until_ms = integer(fields, "until_ms")
    if phone.serial not in {stage.serial for stage in attempt.stages}:
        raise LedgerError(
            "transaction.no_part", phone=phone.serial, transaction=attempt.transaction
        )
    if phone.serial in attempt.withheld:
        raise LedgerError("transaction.withheld_already", phone=phone.serial)
    if until_ms <= entry.wall_ms:
        raise LedgerError("ledger.jail_term")
    phone = replace(phone, reputation=phone.reputation.after(honest=False))
    unpaid = {phone.serial} if "unpaid_for" in fields and text(fields, "unpaid_for") else set()
    attempt = replace(
        attempt,
        withheld=attempt.withheld | {phone.serial},
        offenders=attempt.offenders | unpaid,
    )
    return Change(phones=(jail_until(phone, until_ms),), transaction=attempt)


def audited(state: State, _entry: Entry, fields: Fields) -> Change:
    """Record a verdict on a stage's receipt."""
    attempt = state.transaction(text(fields, "transaction"))
    stage, outcome = integer(fields, "stage"), _outcome(fields)
    phone = state.phone(text(fields, "serial"))
    if attempt.stage(stage).serial != phone.serial or stage not in attempt.receipts:
        raise LedgerError("receipt.none", phone=phone.serial, stage=stage)
    if attempt.verdicts.get(stage) is outcome:
        raise LedgerError("audit.known", stage=stage, transaction=attempt.transaction)
    failed = outcome is AuditOutcome.FAILED
    attempt = replace(
        attempt,
        verdicts={**attempt.verdicts, stage: outcome},
        offenders=attempt.offenders | {phone.serial} if failed else attempt.offenders,
    )
    return Change(phones=(after_audit(phone, outcome),), transaction=attempt)


def not_audited(state: State, _entry: Entry, fields: Fields) -> Change:
    """Account for an audit that was due and not done: the phone refused, or it was unavailable."""
    attempt = state.transaction(text(fields, "transaction"))
    stage, serial = integer(fields, "stage"), text(fields, "serial")
    outcome = text(fields, "outcome")
    text(fields, "reason")
    if attempt.stage(stage).serial != serial or stage not in attempt.receipts:
        raise LedgerError("receipt.none", phone=serial, stage=stage)
    if outcome not in list(DutyOutcome):
        raise LedgerError("audit.unknown_outcome", outcome=outcome)
    if stage in attempt.verdicts or stage in attempt.not_audited:
        raise LedgerError("audit.known", stage=stage, transaction=attempt.transaction)
    return Change(transaction=replace(attempt, not_audited={**attempt.not_audited, stage: outcome}))


def rolled_back(state: State, _entry: Entry, fields: Fields) -> Change:
    """End an attempt early; only its good tokens can still be paid for."""
    attempt = state.transaction(text(fields, "transaction"))
    text(fields, "reason")
    if attempt.status is not TransactionStatus.OPEN:
        raise LedgerError(
            "transaction.not_open", transaction=attempt.transaction, status=attempt.status
        )
    good_tokens = integer(fields, "good_tokens")
    status = TransactionStatus.ROLLED_BACK
    return Change(transaction=replace(attempt, status=status, payable_tokens=good_tokens))


def settled(state: State, _entry: Entry, fields: Fields) -> Change:
    """Pay the phones whose receipts are on record and not disproved.

    From the third format on the entry may name the record of what was read and answered.
    """
    attempt = state.transaction(text(fields, "transaction"))
    tokens = integer(fields, "tokens")
    if state.format >= AGREED_FORMAT and "work" in fields:
        octets(fields, "work", 32)
    payments = payments_of(attempt, tokens)
    if tuple(_payment(item) for item in records(fields, "payments")) != payments:
        raise LedgerError("transaction.other_payments", transaction=attempt.transaction)
    transfers = payment_transfers(attempt.transaction, payments)
    balances = post(state.balances, state.transfers, transfers)
    closed = replace(attempt, status=TransactionStatus.SETTLED, payable_tokens=tokens)
    return Change(transfers, balances, transaction=closed)


def outcome_of(fields: Fields) -> str:
    """Return what became of an audit: of a verdict, or of one that was not done."""
    return _outcome(fields).value if "passed" in fields else text(fields, "outcome")


def _outcome(fields: Fields) -> AuditOutcome:
    """Return a verdict's outcome; entries older than the one between the two tell only `passed`."""
    passed = flag(fields, "passed")
    if "outcome" not in fields:
        return AuditOutcome.PASSED if passed else AuditOutcome.FAILED
    named = text(fields, "outcome")
    if named not in list(AuditOutcome) or passed != (named == AuditOutcome.PASSED):
        raise LedgerError("audit.unknown_outcome", outcome=named)
    return AuditOutcome(named)


def _payment(fields: Fields) -> Payment:
    return Payment(text(fields, "serial"), amount(fields, "amount"), amount(fields, "fee"))
