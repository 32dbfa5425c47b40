"""What verifying a ledger showed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.audit_outcome import AuditOutcome, DutyOutcome
from app.ledger.journal.verification import FormatUse
from app.words.catalogue import ntr, tr
from app.words.states import listed, together


def verified_text(entries: int, formats: Sequence[FormatUse]) -> str:
    """Return that a ledger is untouched, and under which rules it was written."""
    words = ntr(
        "The ledger is valid: {entries} entry replayed.",
        "The ledger is valid: {entries} entries replayed.",
        entries,
    )
    text = tr("Rules in force: {formats}.")
    told = listed(format_text(each) for each in formats)
    return together(words.format(entries=entries), text.format(formats=told))


def format_text(use: FormatUse) -> str:
    """Return how many entries were written in a format."""
    words = ntr(
        "format {format} for {count} entry", "format {format} for {count} entries", use.entries
    )
    return words.format(format=use.format, count=use.entries)


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
