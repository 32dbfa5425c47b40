"""Rules for entries about one transaction: opening, audits, roll-back, settlement.

One that is broken raises `LedgerError` and changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from app.core.audit_outcome import AuditOutcome, DutyOutcome, SharpOutcome
from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, amount, flag, integer, number, octets, records, text
from app.ledger.rules.accounts import post
from app.ledger.rules.agreement import AGREED_FORMAT, read_agreed
from app.ledger.rules.audits.breakers import ClassRecord, own_class
from app.ledger.rules.audits.refusals import after_no_show, after_work
from app.ledger.rules.audits.sharp_tests import SHARP_FORMAT
from app.ledger.rules.audits.verifiers import check_verifier
from app.ledger.rules.deals.closing import check_committed, deal_of, give_back
from app.ledger.rules.deals.deal import Payment
from app.ledger.rules.deals.moves import check_move
from app.ledger.rules.deals.opening import read_deal
from app.ledger.rules.phones.phone_rules import after_audit, jail_until
from app.ledger.rules.settlement import payment_transfers, payments_of
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
    deal, escrow = read_deal(state, entry, fields, stages, price)
    attempt = TransactionRecord(
        name, stages, price, agreed, deal=deal, epoch=number, format=state.format
    )
    return Change(escrow, post(state.balances, state.transfers, escrow), transaction=attempt)


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
    check_verifier(state, attempt, stage, outcome, fields)
    failed = outcome is AuditOutcome.FAILED
    now = state.format >= SHARP_FORMAT
    held = attempt.sharp_tests.get(stage) is SharpOutcome.PASSED
    triggers = now and outcome is not AuditOutcome.PASSED
    of_class = _after_audit(state, attempt, stage, outcome, fields) if now else None
    doubted = of_class is not None and of_class.doubted
    disputes = triggers and attempt.status is TransactionStatus.COMMITTED
    attempt = replace(
        attempt,
        status=TransactionStatus.DISPUTED if disputes else attempt.status,
        sharp_due=attempt.sharp_due | {stage} if triggers else attempt.sharp_due,
        verdicts={**attempt.verdicts, stage: outcome},
        held_against=_held_against(attempt, stage, outcome, doubted=doubted),
        offenders=attempt.offenders
        | ({phone.serial} if failed and not held and not doubted else set()),
    )
    if now:
        phone = replace(phone, deaths=phone.deaths.after_ask(died=False))
    if not doubted:
        deviation = number(fields, "deviation") if now else None
        phone = after_audit(phone, outcome, deviation)
    return Change(phones=(phone,), transaction=attempt, of_class=of_class)


def _held_against(
    attempt: TransactionRecord, stage: int, outcome: AuditOutcome, *, doubted: bool
) -> frozenset[int]:
    if outcome is AuditOutcome.PASSED:
        return attempt.held_against - {stage}
    return attempt.held_against if doubted else attempt.held_against | {stage}


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
    if not attempt.status.running:
        raise LedgerError(
            "transaction.not_open", transaction=attempt.transaction, status=attempt.status
        )
    good_tokens = integer(fields, "good_tokens")
    status = TransactionStatus.ROLLED_BACK
    phones = tuple(after_work(state, attempt).values())
    if attempt.deal is not None:
        check_committed(attempt, good_tokens)
        if not good_tokens:
            attempt = replace(attempt, payable_tokens=0)
            return replace(give_back(state, attempt, TransactionStatus.VOID), phones=phones)
    attempt = replace(attempt, status=status, payable_tokens=good_tokens)
    return Change(phones=phones, transaction=attempt)


def settled(state: State, entry: Entry, fields: Fields) -> Change:
    """Pay the phones whose receipts are on record and not disproved.

    From the third format on the entry may name the record of what was read and answered. From the
    fifth on they are paid later, once the time for evidence against them is over.
    """
    attempt = state.transaction(text(fields, "transaction"))
    tokens = integer(fields, "tokens")
    if state.format >= AGREED_FORMAT and "work" in fields:
        octets(fields, "work", 32)
    if attempt.deal is not None:
        check_committed(attempt, tokens)
    payments = payments_of(state, attempt, tokens)
    if tuple(_payment(item) for item in records(fields, "payments")) != payments:
        raise LedgerError("transaction.other_payments", transaction=attempt.transaction)
    paid = _paid_later if attempt.deal else _paid_at_once
    phones = after_work(state, attempt)
    for each in payments:
        phone = phones.get(each.serial, state.phone(each.serial))
        pending = phone.pending + (each.amount if attempt.deal else 0)
        phones[each.serial] = replace(phone, owed=phone.owed - each.kept, pending=pending)
    attempt = replace(attempt, payable_tokens=tokens)
    return replace(paid(state, entry, attempt, payments), phones=tuple(phones.values()))


def _paid_at_once(
    state: State, _entry: Entry, attempt: TransactionRecord, payments: tuple[Payment, ...]
) -> Change:
    transfers = payment_transfers(attempt.transaction, payments)
    balances = post(state.balances, state.transfers, transfers)
    closed = replace(attempt, status=TransactionStatus.SETTLED)
    return Change(transfers, balances, transaction=closed)


def _paid_later(
    state: State, entry: Entry, attempt: TransactionRecord, payments: tuple[Payment, ...]
) -> Change:
    check_move(attempt, TransactionStatus.SETTLED)
    deal = deal_of(attempt)
    from_ms = entry.wall_ms + deal.window_s * 1000
    attempt = replace(attempt, deal=replace(deal, release_from_ms=from_ms))
    return give_back(state, attempt, TransactionStatus.SETTLED, payments)


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
