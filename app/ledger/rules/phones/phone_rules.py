"""Rules for entries about one phone: stake, jail, slash; a broken one raises `LedgerError`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.core.audit_outcome import AuditOutcome
from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, amount, integer, record, text
from app.ledger.rules.accounts import OPERATOR, Posting, post, stake_account
from app.ledger.rules.audits.deaths import Deaths
from app.ledger.rules.audits.sharp_tests import SHARP_FORMAT
from app.ledger.rules.audits.suspicion import SUSPECTED_FROM, after_coarse_audit
from app.ledger.rules.deals.deal import DEAL_FORMAT
from app.ledger.rules.economy import FOREVER_MS, WATCHED_AUDITS, penalty_for, share
from app.ledger.rules.phones.canaries import CANARY_FORMAT, FALSE_CAPABILITY
from app.ledger.rules.stakes.slashing import reporter_of, slash_transfers
from app.ledger.rules.stakes.standing import at_stake
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
    phone = replace(phone, staked=phone.staked + added, granted=phone.granted + added)
    return Change(transfers, balances, (phone,))


def jailed(state: State, entry: Entry, fields: Fields) -> Change:
    """Keep a phone from work until a moment; a longer term stays."""
    phone, until_ms = state.phone(text(fields, "serial")), integer(fields, "until_ms")
    text(fields, "reason")
    if until_ms <= entry.wall_ms:
        raise LedgerError("ledger.jail_term")
    return Change(phones=(jail_until(phone, until_ms),))


def released(state: State, _entry: Entry, fields: Fields) -> Change:
    """End a jail term early, and begin anew what adds up. A banned phone stays out."""
    phone = state.phone(text(fields, "serial"))
    if phone.tombstoned:
        raise LedgerError("ledger.phone_banned", phone=phone.serial)
    suspicion = phone.suspicion.begun_anew()
    phone = replace(phone, jailed_until_ms=0, suspicion=suspicion, deaths=Deaths(), false_answers=0)
    return Change(phones=(phone,))


def slash_amount(state: State, serial: str, reason: str) -> int:
    """Return what an offence costs that phone now, in micro-credits."""
    phone = state.phone(serial)
    due = share(phone.staked, penalty_for(reason).stake_per_mille)
    if state.format >= DEAL_FORMAT:
        return min(due, at_stake(state, serial))
    return min(due, state.balance(stake_account(serial)))


def slashed(state: State, entry: Entry, fields: Fields) -> Change:
    """Move a penalty from a phone's stake to the treasury and jail the phone."""
    serial, reason = text(fields, "serial"), text(fields, "reason")
    record(fields, "evidence")
    attempt = state.transaction(text(fields, "transaction"))
    _check_slash(attempt, serial, reason)
    _check_evidence(state, attempt, serial, reason)
    taken = slash_amount(state, serial, reason)
    if amount(fields, "amount") != taken:
        raise LedgerError("penalty.other_amount", phone=serial)
    name = f"slash:{serial}:{attempt.transaction}:{reason}"
    transfers = slash_transfers(state, serial, name, taken, reporter_of(state, serial, fields))
    penalty, phone = penalty_for(reason), state.phone(serial)
    until_ms = FOREVER_MS if penalty.tombstone else entry.wall_ms + penalty.jail_s * 1000
    phone = replace(
        jail_until(phone, until_ms),
        slashed=phone.slashed + taken,
        tombstoned=phone.tombstoned or penalty.tombstone,
    )
    unpaid = penalty.is_unpaid or state.format < CANARY_FORMAT
    attempt = replace(
        attempt,
        offenders=attempt.offenders | ({serial} if unpaid else set()),
        penalties=attempt.penalties | {(serial, reason)},
    )
    balances = post(state.balances, state.transfers, transfers)
    economy = state.economy.after_slash(serial, taken)
    return Change(transfers, balances, (phone,), attempt, economy=economy)


def jail_until(phone: PhoneAccount, until_ms: int) -> PhoneAccount:
    """Return the phone with its term extended where that is later."""
    return replace(phone, jailed_until_ms=max(phone.jailed_until_ms, until_ms))


def after_audit(
    phone: PhoneAccount, outcome: AuditOutcome, deviation: float | None
) -> PhoneAccount:
    """Return the phone with an audit counted: its reputation, and whether it is watched.

    From the fourth format on its deviation counts too, in what is called wrong; None before.
    """
    passed = outcome is AuditOutcome.PASSED
    if deviation is not None:
        suspicion = after_coarse_audit(phone.suspicion, outcome, deviation)
        phone = replace(phone, suspicion=suspicion)
    deviates = outcome is AuditOutcome.DEVIATES
    return replace(
        phone,
        reputation=phone.reputation.after(honest=passed and not _is_suspected(phone)),
        audits_passed=phone.audits_passed + passed,
        audits_failed=phone.audits_failed + (outcome is AuditOutcome.FAILED),
        audits_deviating=phone.audits_deviating + deviates,
        watched_audits=WATCHED_AUDITS if deviates else max(phone.watched_audits - passed, 0),
    )


def _is_suspected(phone: PhoneAccount) -> bool:
    return phone.suspicion.amount >= SUSPECTED_FROM


def _check_evidence(state: State, attempt: TransactionRecord, serial: str, reason: str) -> None:
    """Raise `LedgerError` where the journal itself does not hold what the offence rests on."""
    failed, before = attempt.failed_audit(serial), state.format < SHARP_FORMAT
    if before and penalty_for(reason).needs_failed_audit and not failed:
        raise LedgerError("penalty.without_audit", phone=serial, transaction=attempt.transaction)
    if state.format < EVIDENCE_FORMAT:
        return
    if reason == "equivocation":
        holds = serial in attempt.contradicted
    elif reason == FALSE_CAPABILITY and state.format >= CANARY_FORMAT:
        holds = serial in attempt.overclaimed
    elif before:
        holds = failed
    else:
        holds = attempt.failed_sharp_test(serial)
        if holds and state.is_doubted(attempt, serial):
            raise LedgerError("penalty.breaker_open", phone=serial)
    if not holds:
        raise LedgerError("penalty.without_evidence", phone=serial, offence=reason)


def _check_slash(attempt: TransactionRecord, serial: str, reason: str) -> None:
    if serial not in {stage.serial for stage in attempt.stages}:
        raise LedgerError("transaction.no_part", phone=serial, transaction=attempt.transaction)
    if (serial, reason) in attempt.penalties:
        raise LedgerError("penalty.paid_already", phone=serial, offence=reason)
