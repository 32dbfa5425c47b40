"""Rules for entries about one transaction: receipts, audits, roll-back, settlement."""

from __future__ import annotations

from dataclasses import replace

from app.core.audit_outcome import AuditOutcome, DutyOutcome, SharpOutcome
from app.core.errors import LedgerError
from app.ledger.entry import Entry
from app.ledger.rules.accounts import post, stake_account
from app.ledger.rules.agreement import AGREED_FORMAT, check_agreed, read_agreed
from app.ledger.rules.audits.breakers import ClassRecord, own_class
from app.ledger.rules.audits.refusals import after_no_show, after_work
from app.ledger.rules.audits.sharp_tests import SHARP_FORMAT
from app.ledger.rules.economy import audit_rate_for
from app.ledger.rules.evidence import SignedReceipt, content_of, same_opening
from app.ledger.rules.fields import (
    Fields,
    amount,
    flag,
    integer,
    number,
    octets,
    record,
    records,
    text,
)
from app.ledger.rules.phones.phone_rules import after_audit, jail_until
from app.ledger.rules.settlement import Payment, payment_transfers, payments_of
from app.ledger.rules.stages import read_stages
from app.ledger.rules.state import (
    Change,
    PhoneAccount,
    State,
    TransactionRecord,
    TransactionStatus,
)


def opened(state: State, entry: Entry, fields: Fields) -> Change:
    """Begin an attempt: which registered phones hold which layers, at what price, on what terms."""
    name = text(fields, "transaction")
    if name in state.transactions:
        raise LedgerError("transaction.open_already", transaction=name)
    text(fields, "request")
    text(fields, "model")
    stages, epoch = read_stages(state, fields), state.epoch
    for each in stages:
        if not state.phone(each.serial).admitted:
            raise LedgerError("ledger.phone_not_admitted", phone=each.serial)
    if epoch.binding and epoch.commitment is None:
        raise LedgerError("transaction.outside_epoch", transaction=name)
    price, agreed = amount(fields, "price_per_token"), read_agreed(state, entry, fields)
    number = epoch.number if epoch.binding else 0
    return Change(transaction=TransactionRecord(name, stages, price, agreed, epoch=number))


def receipt(state: State, _entry: Entry, fields: Fields) -> Change:
    """Put a stage's receipt on record; it must be of that stage's phone and layers."""
    signed = SignedReceipt.from_fields(fields)
    attempt = state.transaction(text(fields, "transaction"))
    stage = integer(fields, "stage")
    check_receipt(state, attempt, stage, signed)
    if attempt.status is TransactionStatus.SETTLED:
        raise LedgerError("transaction.settled", transaction=attempt.transaction)
    if stage in attempt.receipts:
        raise LedgerError("receipt.there", stage=stage, transaction=attempt.transaction)
    if attempt.epoch and not state.epoch.is_open(attempt.epoch):
        raise LedgerError("receipt.epoch_is_over", transaction=attempt.transaction)
    receipts = {**attempt.receipts, stage: content_of(signed.data)}
    rates = {**attempt.audit_rates, stage: _audit_rate(state, attempt.stages[stage].serial)}
    return Change(transaction=replace(attempt, receipts=receipts, audit_rates=rates))


def equivocation(state: State, _entry: Entry, fields: Fields) -> Change:
    """Keep a second receipt that says something else than the first, both signed."""
    signed = SignedReceipt.from_fields(record(fields, "second"))
    attempt = state.transaction(text(fields, "transaction"))
    stage = integer(fields, "stage")
    check_receipt(state, attempt, stage, signed)
    known, second = attempt.receipts.get(stage), content_of(signed.data)
    if known in (None, second) or not same_opening(known, second):
        raise LedgerError("receipt.no_contradiction", stage=stage)
    phone = state.phone(attempt.stages[stage].serial)
    phone = replace(phone, reputation=phone.reputation.after(honest=False))
    attempt = replace(
        attempt,
        offenders=attempt.offenders | {phone.serial},
        contradicted=attempt.contradicted | {phone.serial},
    )
    return Change(phones=(phone,), transaction=attempt)


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
    now = state.format >= SHARP_FORMAT
    held = attempt.sharp_tests.get(stage) is SharpOutcome.PASSED
    triggers = now and outcome is not AuditOutcome.PASSED
    of_class = _after_audit(state, attempt, stage, outcome, fields) if now else None
    doubted = of_class is not None and of_class.doubted
    attempt = replace(
        attempt,
        sharp_due=attempt.sharp_due | {stage} if triggers else attempt.sharp_due,
        verdicts={**attempt.verdicts, stage: outcome},
        offenders=attempt.offenders
        | ({phone.serial} if failed and not held and not doubted else set()),
    )
    if now:
        phone = replace(phone, deaths=phone.deaths.after_ask(died=False))
    if not doubted:
        deviation = number(fields, "deviation") if now else None
        phone = after_audit(phone, outcome, deviation)
    return Change(phones=(phone,), transaction=attempt, of_class=of_class)


def _after_audit(
    state: State, attempt: TransactionRecord, stage: int, outcome: AuditOutcome, fields: Fields
) -> ClassRecord:
    record = state.class_of(attempt, stage)
    own = record.name == own_class(fields)
    return record.after_audit(attempt.stages[stage].serial, outcome, own=own)


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
    phones: tuple[PhoneAccount, ...] = ()
    if state.format >= SHARP_FORMAT:
        phones = (after_no_show(state, attempt, stage, outcome, fields),)
    return Change(
        phones=phones,
        transaction=replace(attempt, not_audited={**attempt.not_audited, stage: outcome}),
    )


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
    phones = tuple(after_work(state, attempt).values())
    attempt = replace(attempt, status=status, payable_tokens=good_tokens)
    return Change(phones=phones, transaction=attempt)


def settled(state: State, _entry: Entry, fields: Fields) -> Change:
    """Pay the phones whose receipts are on record and not disproved.

    From the third format on the entry may name the record of what was read and answered.
    """
    attempt = state.transaction(text(fields, "transaction"))
    tokens = integer(fields, "tokens")
    if state.format >= AGREED_FORMAT and "work" in fields:
        octets(fields, "work", 32)
    payments = payments_of(state, attempt, tokens)
    if tuple(_payment(item) for item in records(fields, "payments")) != payments:
        raise LedgerError("transaction.other_payments", transaction=attempt.transaction)
    transfers = payment_transfers(attempt.transaction, payments)
    balances = post(state.balances, state.transfers, transfers)
    closed = replace(attempt, status=TransactionStatus.SETTLED, payable_tokens=tokens)
    phones = after_work(state, attempt)
    for each in payments:
        if each.kept:
            phone = phones.get(each.serial, state.phone(each.serial))
            phones[each.serial] = replace(phone, owed=phone.owed - each.kept)
    return Change(transfers, balances, tuple(phones.values()), closed)


def check_receipt(
    state: State, attempt: TransactionRecord, index: int, signed: SignedReceipt
) -> None:
    """Raise `LedgerError` unless a receipt is about that stage, by its phone, with its key."""
    stage = attempt.stage(index)
    work, phone = signed.work(), state.phone(stage.serial)
    if (work.transaction, work.index, work.stage) != (attempt.transaction, index, stage):
        raise LedgerError("receipt.other_stage", stage=index, transaction=attempt.transaction)
    if signed.public_key != phone.public_key or phone.key_withdrawn:
        raise LedgerError("receipt.other_key", phone=stage.serial)
    check_agreed(attempt.agreed[index] if attempt.agreed else None, work.agreed)


def _audit_rate(state: State, serial: str) -> float:
    """Return how often such receipts are audited: more so where the phone has nothing to lose."""
    rate = state.epoch.audit_rate
    if rate is None:
        return 0.0
    unstaked = state.format >= AGREED_FORMAT and state.balance(stake_account(serial)) == 0
    return audit_rate_for(rate, watched=unstaked or state.phone(serial).watched)


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
    kept = amount(fields, "kept") if "kept" in fields else 0
    return Payment(text(fields, "serial"), amount(fields, "amount"), amount(fields, "fee"), kept)
