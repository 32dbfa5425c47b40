"""Rules for sharp tests: a stage run again on its phone, with its insides in view.

From the fourth format on they alone take stake for wrong numbers. An entry holds what the phone
signed of the run and the digest of the evidence that its verdict follows from
(`app.proof.sharp.convincing`). That the two belong together can be seen here; that the numbers are
wrong only with the evidence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from app.core.audit_outcome import AuditOutcome, SharpOutcome
from app.core.errors import LedgerError, reason_of
from app.ledger.entry import Entry, Fields, flag, integer, octets, record, text
from app.ledger.rules.audits.refusals import after_no_show
from app.ledger.rules.fifth_format import CHOICES_FORMAT
from app.ledger.rules.state import Change, PhoneAccount, State, TransactionRecord
from workers.errors import ReceiptError
from workers.identity.states import StatesBody, verify_states

SHARP_FORMAT: Final = 4
"""From this format on stake is lost for wrong numbers by a failed sharp test alone."""
BY_NUMBERS: Final = frozenset({"operator", "ends-elsewhere"})
"""Reasons that signatures and openings prove; anything else is the host's word."""
BY_CHOICE: Final = "chosen-otherwise"
"""Another token than the one to choose: proven where the receipt signs what steered it."""
_JUDGED: Final = frozenset({SharpOutcome.PASSED, SharpOutcome.FAILED})


@dataclass(frozen=True)
class SharpRecord:
    """What a sharp test came to, as the ledger is told."""

    transaction: str
    stage: int
    outcome: SharpOutcome
    reason: str
    """Which of the verdicts, or why there is none, by its name."""
    numerical_class: str = ""
    reproduced: bool = False
    """Whether all roundings of the class are known here."""
    statement: bytes = b""
    signature: bytes = b""
    """What the phone signed of the run; empty where it signed nothing."""
    root: str = ""
    """Of the states in it."""
    evidence: str = ""
    """The SHA-256 of what the verdict follows from."""
    operator: str = ""
    """The first that is wrong, as people know it."""
    row: int = 0
    deviation: float = 0.0
    """The largest, in what is allowed."""
    looked_at: int = 0

    def to_fields(self) -> dict[str, Any]:
        """Return it as an entry holds it, without whose stage it is."""
        fields: dict[str, Any] = {
            "transaction": self.transaction,
            "stage": self.stage,
            "outcome": self.outcome.value,
            "reason": self.reason,
        }
        if self.outcome not in _JUDGED:
            return fields
        return {
            **fields,
            "class": self.numerical_class,
            "reproduced": self.reproduced,
            "statement": {"data": self.statement.decode(), "signature": self.signature.hex()},
            "root": self.root,
            "evidence": self.evidence,
            "operator": self.operator,
            "row": self.row,
            "deviation": self.deviation,
            "looked_at": self.looked_at,
        }


def sharp_test(state: State, _entry: Entry, fields: Fields) -> Change:
    """Record what a sharp test came to; each stage has one."""
    attempt = state.transaction(text(fields, "transaction"))
    stage, phone = integer(fields, "stage"), state.phone(text(fields, "serial"))
    if state.format < SHARP_FORMAT:
        raise LedgerError("sharp.of_later_format")
    if attempt.stage(stage).serial != phone.serial or stage not in attempt.receipts:
        raise LedgerError("receipt.none", phone=phone.serial, stage=stage)
    if stage in attempt.sharp_tests:
        raise LedgerError("sharp.known", stage=stage, transaction=attempt.transaction)
    outcome = _outcome(fields)
    if outcome in _JUDGED:
        _check_judged(state, attempt, stage, fields)
        phone = replace(phone, deaths=phone.deaths.after_ask(died=False))
    else:
        phone = after_no_show(state, attempt, stage, outcome, fields)
    attempt = replace(attempt, sharp_tests={**attempt.sharp_tests, stage: outcome})
    of_class = state.class_of(attempt, stage).after_sharp_test(phone.serial, outcome)
    if not of_class.doubted or outcome in (SharpOutcome.PASSED, SharpOutcome.REFUSED):
        phone = _after(phone, attempt, stage, outcome)
        attempt = replace(attempt, offenders=_offenders(attempt, phone.serial, outcome))
    return Change(phones=(phone,), transaction=attempt, of_class=of_class)


def class_confirmed(state: State, _entry: Entry, fields: Fields) -> Change:
    """Close a breaker: the operator stands by how a class is judged."""
    if state.format < SHARP_FORMAT:
        raise LedgerError("sharp.of_later_format")
    return Change(of_class=state.class_record(text(fields, "class")).after_confirmation())


def _outcome(fields: Fields) -> SharpOutcome:
    named = text(fields, "outcome")
    text(fields, "reason")
    if named not in list(SharpOutcome):
        raise LedgerError("audit.unknown_outcome", outcome=named)
    return SharpOutcome(named)


def _proves(state: State, reason: str, receipt: Fields) -> bool:
    """Tell whether a reason is one that signatures and openings prove."""
    by_choice = state.format >= CHOICES_FORMAT and "choices" in receipt
    return reason in BY_NUMBERS or (by_choice and reason == BY_CHOICE)


def _check_judged(state: State, attempt: TransactionRecord, stage: int, fields: Fields) -> None:
    """Raise `LedgerError` unless the phone signed for what is judged, and it may be judged so.

    With the key of its receipt: another one since, or none, takes nothing back.
    """
    signed, receipt = record(fields, "statement"), json.loads(attempt.receipts[stage])
    statement, serial = _statement(signed, attempt.keys[stage]), attempt.stages[stage].serial
    ran = statement.serial, statement.graph, statement.input_root, statement.numerical_class
    asked = serial, *(receipt.get(each) for each in ("graph", "input_root", "numerical_class"))
    told = text(fields, "root"), text(fields, "class")
    if ran != asked or told != (statement.states_root, statement.numerical_class):
        raise LedgerError("sharp.other_work", stage=stage, transaction=attempt.transaction)
    octets(fields, "evidence", 32)
    outcome = _outcome(fields)
    if _proves(state, text(fields, "reason"), receipt) != (outcome is SharpOutcome.FAILED):
        raise LedgerError("sharp.reason_of_another_outcome", outcome=outcome)
    if not flag(fields, "reproduced"):
        raise LedgerError("sharp.rounding_unknown", phone=serial)


def _statement(signed: Fields, public_key: bytes) -> StatesBody:
    data, signature = text(signed, "data").encode(), octets(signed, "signature", 64)
    try:
        return verify_states(data, signature, public_key)
    except ReceiptError as error:
        raise LedgerError("sharp.statement_refused", reason=reason_of(error)) from None


def _after(
    phone: PhoneAccount, attempt: TransactionRecord, stage: int, outcome: SharpOutcome
) -> PhoneAccount:
    """Return the phone with its reputation moved: who was suspected and held is made good.

    Of an audit that never counted, as its class was in doubt, there is nothing to take back.
    """
    suspected = attempt.verdicts.get(stage) not in (None, AuditOutcome.PASSED)
    counted = stage in attempt.held_against
    match outcome:
        case SharpOutcome.PASSED if suspected:
            cleared = phone.reputation.without_last_bad() if counted else phone.reputation
            return replace(
                phone,
                reputation=cleared.after(honest=True),
                suspicion=phone.suspicion.begun_anew(),
            )
        case SharpOutcome.FAILED | SharpOutcome.REFUSED if not counted:
            return replace(phone, reputation=phone.reputation.after(honest=False))
    return phone


def _offenders(attempt: TransactionRecord, serial: str, outcome: SharpOutcome) -> frozenset[str]:
    """Return who is not paid: not who held, unless for something else than its numbers."""
    match outcome:
        case SharpOutcome.FAILED | SharpOutcome.REFUSED:
            return attempt.offenders | {serial}
        case SharpOutcome.PASSED if serial not in attempt.withheld | attempt.contradicted:
            return attempt.offenders - {serial}
    return attempt.offenders


def doubted_name(state: State, ending: str) -> str:
    """Return the name of the one class in doubt that ends so. Raises `LedgerError`."""
    named = [each.name for each in state.classes.values() if each.doubted]
    named = [name for name in named if name.endswith(ending)]
    if len(named) != 1:
        raise LedgerError("breaker.none_named", name=ending)
    return named[0]
