"""What is told of evidence: who was wrong, where and by how much, or why it does not convince."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.core.audit_outcome import ProvenFault, SharpOutcome
from app.core.errors import LedgerError
from app.core.facts import Fact
from app.proof.convicting.judging import convicts
from app.proof.sharp.convincing import Judgement
from app.proof.sharp.verdict import SharpReason

_MOST_TIMES: Final = 1e12
_CONVICTS: Final[Mapping[SharpReason, str]] = {
    SharpReason.OPERATOR: "evidence.convicts_operator",
    SharpReason.ENDS_ELSEWHERE: "evidence.convicts_end",
    SharpReason.CHOSEN_OTHERWISE: "evidence.convicts_token",
}


def proven_fault(data: bytes) -> ProvenFault:
    """Return what evidence convicts of, for the ledger to compare with what it is told.

    Raises `BadInputError`, and `LedgerError` where it does not convince.
    """
    found = convicts(data)
    if found.outcome is not SharpOutcome.FAILED:
        raise LedgerError(fact_of(found))
    receipt, verdict = found.receipt, found.verdict
    return ProvenFault(
        receipt.transaction,
        receipt.stage,
        receipt.serial,
        found.public_key,
        verdict.reason.value,
        verdict.operator,
        verdict.row,
        found.statement.states_root,
    )


def fact_of(judgement: Judgement) -> Fact:
    """Return the one line that sums a judgement up."""
    verdict, receipt = judgement.verdict, judgement.receipt
    times = min(verdict.deviation, _MOST_TIMES)
    if judgement.outcome is SharpOutcome.FAILED:
        return Fact(
            _CONVICTS[verdict.reason],
            phone=receipt.serial,
            operator=verdict.operator,
            row=verdict.row,
            times=times,
            key=judgement.public_key.hex(),
            transaction=receipt.transaction,
        )
    match verdict.reason:
        case SharpReason.HOLDS:
            return Fact("evidence.within_bounds", phone=receipt.serial, share=times)
        case SharpReason.OTHER_STATEMENT | SharpReason.OPENED_OTHERWISE:
            return Fact("evidence.not_signed_for", phone=receipt.serial)
        case SharpReason.NOT_COVERED:
            return Fact("evidence.not_covered", operator=verdict.operator)
        case _:
            return Fact("evidence.class_unknown", phone=receipt.serial)
