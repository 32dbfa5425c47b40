"""Checking an attempt: sampled audits by re-execution, and what follows from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from app.core.audit_outcome import AuditOutcome, DutyOutcome, SharpOutcome
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.proof.auditors.executor import AuditExecutor, AuditJob, AuditsHere
from app.proof.case import Verdict
from app.proof.stage_parts import OpenEngine, open_shard
from app.rack.settlement.audit_cases import blobs_of, case_of, is_auditable
from app.rack.settlement.chain_check import good_by_chain
from app.rack.settlement.concluded import AttemptOutcome, ConcludedAttempt, Coverage
from app.rack.settlement.disputes import disputed_edges
from app.rack.settlement.findings import findings_of
from app.rack.settlement.sharp.close_look import CloseLook

NO_VERDICTS: Final[Mapping[int, Verdict]] = MappingProxyType({})


def audit_attempt(
    attempt: ConcludedAttempt,
    store: Path,
    auditors: AuditExecutor | None = None,
    by_phones: Mapping[int, Verdict] = NO_VERDICTS,
) -> tuple[Verdict, ...]:
    """Audit what is due and was not audited `by_phones`, by stage. Blocking."""
    jobs = [
        AuditJob(case_of(attempt, index, store), blobs_of(span))
        for index, span in enumerate(attempt.spans)
        if is_auditable(attempt, index) and index not in by_phones
    ]
    verdicts = [*(auditors or AuditsHere()).verdicts(jobs), *by_phones.values()]
    verdicts.sort(key=lambda verdict: verdict.stage)
    return tuple(verdict for verdict in verdicts if verdict.conclusive)


def check_attempt(
    attempt: ConcludedAttempt,
    verdicts: tuple[Verdict, ...],
    looks: Sequence[CloseLook],
    store: Path,
    open_engine: OpenEngine = open_shard,
    *,
    doubted: bool = False,
) -> AttemptOutcome:
    """Say which tokens stand and who answers for what. Blocking: runs on the audit thread.

    Whom a sharp test clears has passed; what one whom it convicts has computed nobody counts on.
    Where a stage signed nothing, or two neighbours disagree on what passed between them or signed
    for other numbers of steps, or the attempt is `doubted` because rows that it began with were
    found wrong, the whole attempt is re-executed from its tokens. Where this computer has checked
    every token already, and found all right, that stands: audits only tell who computes right.
    """
    cleared = {look.serial for look in looks if look.outcome is SharpOutcome.PASSED}
    convicted = {look.serial for look in looks if look.outcome is SharpOutcome.FAILED}
    failed = [each for each in verdicts if each.failed and each.serial not in cleared]
    found = findings_of(verdicts, looks)
    proven = {each.serial for each in found} | attempt.withheld.keys()
    between = disputed_edges(attempt, frozenset(proven))
    doubted = doubted or not convicted <= {verdict.serial for verdict in failed}
    compared = _compared_along_the_ring(attempt) and not between
    settled_by_audits = compared and len(verdicts) == len(attempt.due)
    if attempt.whole is not None and attempt.whole.good_answers == len(attempt.answers):
        good = len(attempt.answers)
        audited = _audited_whole(attempt, verdicts)
        coverage = Coverage(len(attempt.spans), audited, good, checked_answers=good)
    elif settled_by_audits and not doubted:
        good = _good_by_audits(attempt, failed)
        coverage = _coverage_of_audits(attempt, verdicts, cleared, good)
    else:
        good = good_by_chain(attempt, store, open_engine)
        coverage = Coverage(len(attempt.spans), len(attempt.spans), good)
    left = _not_audited(attempt, verdicts)
    return AttemptOutcome(
        attempt.transaction, verdicts, tuple(found), good, coverage, left, tuple(looks), between
    )


def _not_audited(
    attempt: ConcludedAttempt, verdicts: Sequence[Verdict]
) -> dict[int, tuple[DutyOutcome, Fact]]:
    """Account for every audit that was due and came to no verdict."""
    done = {verdict.serial for verdict in verdicts}
    return {
        attempt.bodies[serial].stage: (DutyOutcome.REFUSED, attempt.withheld[serial])
        if serial in attempt.refused
        else (
            DutyOutcome.UNAVAILABLE,
            Fact("sharp.phone_gone" if serial in attempt.gone else "audit.too_little_left"),
        )
        for serial in attempt.due
        if serial not in done
    }


def _compared_along_the_ring(attempt: ConcludedAttempt) -> bool:
    """Tell whether each stage signed for what the one before did: all of them for as many steps.

    Roots over other numbers of steps cannot be compared, so that rows may have been changed between
    two stages that both computed right.
    """
    bodies = [attempt.bodies.get(span.stage.serial) for span in attempt.spans]
    return None not in bodies and len({body.steps for body in bodies if body}) == 1


def _good_by_audits(attempt: ConcludedAttempt, failed: Sequence[Verdict]) -> int:
    """Return how many tokens came before the first step that any audit found wrong."""
    first_bad_steps = [verdict.first_bad_step or 0 for verdict in failed]
    if not first_bad_steps:
        return len(attempt.answers)
    return sum(record.wants_token for record in attempt.steps[: min(first_bad_steps)])


def _coverage_of_audits(
    attempt: ConcludedAttempt, verdicts: Sequence[Verdict], cleared: Collection[str], good: int
) -> Coverage:
    """Count the stages that were audited over all steps; all of them together verify the answers.

    What a phone audited is not verified: most of its answers are taken at its word.
    Only where all receipts are over the same steps were they compared along the ring as well. A
    stage that deviates further than its processor explains verifies nothing.
    """
    stages, audited = len(attempt.spans), _audited_whole(attempt, verdicts)
    deviates = any(
        verdict.outcome is AuditOutcome.DEVIATES and verdict.serial not in cleared
        for verdict in verdicts
    )
    taken_at_word = any(verdict.verifier for verdict in verdicts)
    whole = audited == stages and not deviates and not taken_at_word
    return Coverage(stages, audited, good if whole else 0)


def _audited_whole(attempt: ConcludedAttempt, verdicts: Sequence[Verdict]) -> int:
    """Return how many stages were audited over all steps."""
    steps = len(attempt.steps)
    return sum(attempt.bodies[Serial(verdict.serial)].steps == steps for verdict in verdicts)
