"""Checking an attempt: receipts, sampled audits by re-execution, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.core.audit_outcome import AuditOutcome, DutyOutcome
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.proof.audit import audit
from app.proof.case import Verdict
from app.proof.chain import ChainShard, ChainStep, good_answers
from app.proof.stage_parts import OpenEngine, open_shard
from app.rack.settlement.audit_cases import AUDIT_THREADS, case_of, is_auditable, parts_of
from app.rack.settlement.concluded import AttemptOutcome, ConcludedAttempt, Coverage
from app.rack.settlement.disputes import disputed
from app.rack.settlement.findings import disagrees, failed_audit
from workers.engine.processor import numerical_class
from workers.identity.answer_leaf import chosen_token
from workers.protocol.wire import Tensor


def check_attempt(
    attempt: ConcludedAttempt,
    store: Path,
    open_engine: OpenEngine = open_shard,
    *,
    doubted: bool = False,
) -> AttemptOutcome:
    """Audit what is due and say which tokens stand. Blocking: runs on the audit thread.

    Where a stage cannot be audited because it signed nothing, or two neighbours disagree on what
    passed between them, or the attempt is `doubted` because rows that it began with were found
    wrong, the whole attempt is re-executed from its tokens.
    """
    verdicts = tuple(
        verdict
        for index in range(len(attempt.spans))
        if is_auditable(attempt, index)
        and (verdict := audit(case_of(attempt, index, store), open_engine)).conclusive
    )
    failed = [verdict for verdict in verdicts if verdict.failed]
    proven = {Serial(verdict.serial) for verdict in failed} | attempt.withheld.keys()
    between = disputed(attempt, frozenset(proven))
    findings = [
        *(failed_audit(verdict) for verdict in failed),
        *(disagrees(serial) for serial in sorted(between)),
    ]
    settled_by_audits = _all_signed(attempt) and len(verdicts) == len(attempt.due) and not between
    if settled_by_audits and not doubted:
        good = _good_by_audits(attempt, failed)
        coverage = _coverage_of_audits(attempt, verdicts, good)
    else:
        good = _good_by_chain(attempt, store, open_engine)
        coverage = Coverage(len(attempt.spans), len(attempt.spans), good)
    left = _not_audited(attempt, verdicts)
    return AttemptOutcome(attempt.transaction, verdicts, tuple(findings), good, coverage, left)


def _not_audited(
    attempt: ConcludedAttempt, verdicts: Sequence[Verdict]
) -> dict[int, tuple[DutyOutcome, Fact]]:
    """Account for every audit that was due and came to no verdict."""
    done = {verdict.serial for verdict in verdicts}
    return {
        attempt.bodies[serial].stage: (DutyOutcome.REFUSED, attempt.withheld[serial])
        if serial in attempt.refused
        else (DutyOutcome.UNAVAILABLE, Fact("audit.too_little_left"))
        for serial in attempt.due
        if serial not in done
    }


def _all_signed(attempt: ConcludedAttempt) -> bool:
    return all(span.stage.serial in attempt.bodies for span in attempt.spans)


def _good_by_audits(attempt: ConcludedAttempt, failed: Sequence[Verdict]) -> int:
    """Return how many tokens came before the first step that any audit found wrong."""
    first_bad_steps = [verdict.first_bad_step or 0 for verdict in failed]
    if not first_bad_steps:
        return len(attempt.answers)
    return sum(record.wants_token for record in attempt.steps[: min(first_bad_steps)])


def _coverage_of_audits(
    attempt: ConcludedAttempt, verdicts: Sequence[Verdict], good: int
) -> Coverage:
    """Count the stages that were audited over all steps; all of them together verify the answers.

    Only where all receipts are over the same steps were they compared along the ring as well. A
    stage that deviates further than its processor explains verifies nothing.
    """
    stages, steps = len(attempt.spans), len(attempt.steps)
    audited = [attempt.bodies[Serial(verdict.serial)].steps == steps for verdict in verdicts]
    deviates = any(verdict.outcome is AuditOutcome.DEVIATES for verdict in verdicts)
    whole = sum(audited) == stages and not deviates
    return Coverage(stages, sum(audited), good if whole else 0)


def _good_by_chain(attempt: ConcludedAttempt, store: Path, open_engine: OpenEngine) -> int:
    shards = [
        ChainShard(
            store / span.shard.graph.sha256, replace(span.shape, slots=1), parts_of(span, store)
        )
        for span in attempt.spans
    ]
    steps = [
        ChainStep(step.position, step.tokens, _answer_alone(attempt, answer), step.steering)
        for step, answer in zip(attempt.steps, attempt.answers_by_step, strict=False)
    ]
    return good_answers(
        shards,
        steps,
        attempt.sampling,
        AUDIT_THREADS,
        attempt.boundary,
        rounded_otherwise=any(
            named != numerical_class(AUDIT_THREADS) for named in attempt.classes.values()
        ),
        open_engine=open_engine,
    )


def _answer_alone(attempt: ConcludedAttempt, answer: Tensor | None) -> int | Tensor | None:
    """Return the token without what was told of it, or the vector."""
    if answer is None or attempt.spans[-1].shape.answer_size:
        return answer
    return chosen_token(answer)
