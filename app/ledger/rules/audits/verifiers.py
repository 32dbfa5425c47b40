"""Which phone may audit another, and what becomes of one whose word did not stand.

A phone's word only ever passes a receipt: against another phone it counts for nothing. Part of its
answers this computer computes again; one that was wrong costs its own reputation, and nothing more
is asked of it until the operator releases it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.core.audit_outcome import AuditOutcome
from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, flag, integer, text
from app.ledger.rules.fifth_format import class_without_threads
from app.ledger.rules.state import Change, PhoneAccount, State, TransactionRecord

VERIFIERS_FORMAT: Final = 7


def may_verify(state: State, attempt: TransactionRecord, stage: int, serial: str) -> bool:
    """Tell whether a phone may audit a stage's receipt.

    It has no part in the transaction, rounds as the receipt's class does, is of another keeper, and
    never gave a wrong answer. A class that nothing reproduces, or whose breaker is open, is not
    vouched for by phones of its own.
    """
    verifier, audited = state.phone(serial), state.phone(attempt.stage(stage).serial)
    of_class = state.class_of(attempt, stage)
    trusted = not (verifier.tombstoned or verifier.false_answers) and verifier.admitted
    apart = not verifier.keeper or verifier.keeper != audited.keeper
    vouched = of_class.reproduced is not False and not of_class.doubted
    return trusted and apart and vouched and _can_tell(state, attempt, stage, verifier)


def _can_tell(state: State, attempt: TransactionRecord, stage: int, verifier: PhoneAccount) -> bool:
    """Tell whether a phone has no part in a transaction, and rounds as a stage's receipt says."""
    named = class_without_threads(state.class_of(attempt, stage).name)
    has_part = verifier.serial in {each.serial for each in attempt.stages}
    return named == class_without_threads(verifier.numerical_class) and not has_part


def check_verifier(
    state: State, attempt: TransactionRecord, stage: int, outcome: AuditOutcome, fields: Fields
) -> None:
    """Raise `LedgerError` for an audit said to be done by a phone that may not, or against one."""
    if "verifier" not in fields:
        return
    _check_format(state)
    serial = text(fields, "verifier")
    if outcome is not AuditOutcome.PASSED:
        raise LedgerError("verifier.only_passes", phone=serial)
    if not may_verify(state, attempt, stage, serial):
        raise LedgerError("verifier.may_not", phone=serial, stage=stage)


def verifier_checked(state: State, _entry: Entry, fields: Fields) -> Change:
    """Count once whether a phone's answer about a stage, computed again by the host, was right."""
    _check_format(state)
    attempt, stage = state.transaction(text(fields, "transaction")), integer(fields, "stage")
    phone, right = state.phone(text(fields, "serial")), flag(fields, "right")
    if stage not in attempt.receipts:
        raise LedgerError("receipt.none", phone=phone.serial, stage=stage)
    if not _can_tell(state, attempt, stage, phone):
        raise LedgerError("verifier.may_not", phone=phone.serial, stage=stage)
    check = stage, phone.serial
    if check in attempt.verifier_checks:
        raise LedgerError("audit.known", stage=stage, transaction=attempt.transaction)
    attempt = replace(attempt, verifier_checks=attempt.verifier_checks | {check})
    false_answers = phone.false_answers + (not right)
    reputation = phone.reputation.after(honest=right)
    phone = replace(phone, reputation=reputation, false_answers=false_answers)
    return Change(phones=(phone,), transaction=attempt)


def _check_format(state: State) -> None:
    """Raise `LedgerError` for what no program of its time would have read."""
    if state.format < VERIFIERS_FORMAT:
        raise LedgerError("entry.of_newer_format", format=VERIFIERS_FORMAT)
