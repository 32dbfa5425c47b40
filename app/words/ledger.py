"""What verifying a ledger showed."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.audit_outcome import AuditOutcome, DutyOutcome
from app.words.catalogue import ntr, tr
from app.words.states import listed


def verified_text(entries: int) -> str:
    """Return that a ledger is untouched."""
    words = ntr(
        "The ledger is valid: {entries} entry replayed.",
        "The ledger is valid: {entries} entries replayed.",
        entries,
    )
    return words.format(entries=entries)


def not_valid_text(entries: int, problem: str) -> str:
    """Return after which entry a ledger stops being what its host signed, and why."""
    words = tr("The ledger is not valid after entry {entries}: {problem}")
    return words.format(entries=entries, problem=problem)


def audits_text(audits: Mapping[str, int]) -> str:
    """Return what became of the audits that were drawn, by `AuditOutcome` and `DutyOutcome`."""
    kinds = (
        (AuditOutcome.PASSED, tr("{count} passed")),
        (AuditOutcome.FAILED, tr("{count} failed")),
        (AuditOutcome.DEVIATES, tr("{count} deviate")),
        (DutyOutcome.REFUSED, tr("{count} refused")),
        (DutyOutcome.UNAVAILABLE, tr("{count} could not be done")),
    )
    told = [words.format(count=audits[kind]) for kind, words in kinds if audits.get(kind)]
    return tr("Audits: {outcomes}.").format(outcomes=listed(told))


def cosigned_text(entries: int, witnesses: int) -> str:
    """Return up to where phones hold the ledger to its history."""
    words = ntr(
        "{witnesses} phone signed the head over the first {entries} entries.",
        "{witnesses} phones signed the head over the first {entries} entries.",
        witnesses,
    )
    return words.format(witnesses=witnesses, entries=entries)
