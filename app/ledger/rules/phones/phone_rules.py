"""Rules for entries about one phone: stake, jail, slash; a broken one raises `LedgerError`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.core.audit_outcome import AuditOutcome
from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, amount, integer, record, text
from app.ledger.rules.accounts import OPERATOR, TREASURY, Posting, post, stake_account
from app.ledger.rules.economy import FOREVER_MS, WATCHED_AUDITS, penalty_for, share
from app.ledger.rules.state import Change, PhoneAccount, State, TransactionRecord

EVIDENCE_FORMAT: Final = 3
"""From this format on no slash rests on the host's word alone."""


def stake_added(state: State, entry: Entry, fields: Fields) -> Change:
    """Move an amount from the operator to a phone's stake."""
    phone = state.phone(text(fields, "serial"))
    if phone.tombstoned:
        raise LedgerError("ledger.phone_banned", phone=phone.serial)
    added = amount(fields, "amount")
    account = stake_account(phone.serial)
    transfers = (Posting(f"stake:{phone.serial}:{entry.sequence}", OPERATOR, account, added),)
    balances = post(state.balances, state.transfers, transfers)
    return Change(transfers, balances, (replace(phone, staked=phone.staked + added),))


def jailed(state: State, entry: Entry, fields: Fields) -> Change:
    """Keep a phone from work until a moment; a longer term stays."""
    phone, until_ms = state.phone(text(fields, "serial")), integer(fields, "until_ms")
    text(fields, "reason")
    if until_ms <= entry.wall_ms:
        raise LedgerError("ledger.jail_term")
    return Change(phones=(jail_until(phone, until_ms),))


def released(state: State, _entry: Entry, fields: Fields) -> Change:
    """End a jail term early. A banned phone stays out."""
    phone = state.phone(text(fields, "serial"))
    if phone.tombstoned:
        raise LedgerError("ledger.phone_banned", phone=phone.serial)
    return Change(phones=(replace(phone, jailed_until_ms=0),))


def slash_amount(state: State, serial: str, reason: str) -> int:
    """Return what an offence costs that phone now, in micro-credits."""
    phone = state.phone(serial)
    due = share(phone.staked, penalty_for(reason).stake_per_mille)
    return min(due, state.balance(stake_account(serial)))


def slashed(state: State, entry: Entry, fields: Fields) -> Change:
    """Move a penalty from a phone's stake to the treasury and jail the phone."""
    serial, reason = text(fields, "serial"), text(fields, "reason")
    record(fields, "evidence")
    attempt = state.transaction(text(fields, "transaction"))
    _check_slash(attempt, serial, reason)
    if state.format >= EVIDENCE_FORMAT:
        _check_evidence(attempt, serial, reason)
    taken = slash_amount(state, serial, reason)
    if amount(fields, "amount") != taken:
        raise LedgerError("penalty.other_amount", phone=serial)
    name = f"slash:{serial}:{attempt.transaction}:{reason}"
    transfers = (Posting(name, stake_account(serial), TREASURY, taken),) if taken else ()
    penalty, phone = penalty_for(reason), state.phone(serial)
    until_ms = FOREVER_MS if penalty.tombstone else entry.wall_ms + penalty.jail_s * 1000
    phone = replace(
        jail_until(phone, until_ms),
        slashed=phone.slashed + taken,
        tombstoned=phone.tombstoned or penalty.tombstone,
    )
    attempt = replace(
        attempt,
        offenders=attempt.offenders | {serial},
        penalties=attempt.penalties | {(serial, reason)},
    )
    return Change(transfers, post(state.balances, state.transfers, transfers), (phone,), attempt)


def jail_until(phone: PhoneAccount, until_ms: int) -> PhoneAccount:
    """Return the phone with its term extended where that is later."""
    return replace(phone, jailed_until_ms=max(phone.jailed_until_ms, until_ms))


def after_audit(phone: PhoneAccount, outcome: AuditOutcome) -> PhoneAccount:
    """Return the phone with an audit counted: its reputation, and whether it is watched."""
    passed = outcome is AuditOutcome.PASSED
    deviates = outcome is AuditOutcome.DEVIATES
    return replace(
        phone,
        reputation=phone.reputation.after(honest=passed),
        audits_passed=phone.audits_passed + passed,
        audits_failed=phone.audits_failed + (outcome is AuditOutcome.FAILED),
        audits_deviating=phone.audits_deviating + deviates,
        watched_audits=WATCHED_AUDITS if deviates else max(phone.watched_audits - passed, 0),
    )


def _check_evidence(attempt: TransactionRecord, serial: str, reason: str) -> None:
    """Raise `LedgerError` where the journal itself does not hold what the offence rests on."""
    contradicted = serial in attempt.contradicted
    holds = contradicted if reason == "equivocation" else attempt.failed_audit(serial)
    if not holds:
        raise LedgerError("penalty.without_evidence", phone=serial, offence=reason)


def _check_slash(attempt: TransactionRecord, serial: str, reason: str) -> None:
    if serial not in {stage.serial for stage in attempt.stages}:
        raise LedgerError("transaction.no_part", phone=serial, transaction=attempt.transaction)
    if (serial, reason) in attempt.penalties:
        raise LedgerError("penalty.paid_already", phone=serial, offence=reason)
    if penalty_for(reason).needs_failed_audit and not attempt.failed_audit(serial):
        raise LedgerError("penalty.without_audit", phone=serial, transaction=attempt.transaction)
