"""Checking an attempt: receipts, sampled audits by re-execution, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from app.core.audit_outcome import AuditOutcome, DutyOutcome
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.pipeline.prompts.step_record import StepRecord
from app.proof.audit import audit
from app.proof.case import AuditCase, AuditReason, AuditStep, Verdict
from app.proof.chain import ChainShard, ChainStep, good_answers
from app.proof.edges import edge_disputes
from app.proof.stage_parts import OpenEngine, StagePart, open_shard, part_shape
from app.rack.layers.spans import SpanOnPhone
from workers.engine.processor import numerical_class
from workers.identity.answer_leaf import COMMITTED_ALTERNATIVES, chosen_token
from workers.identity.merkle import root_hash
from workers.identity.receipts import ReceiptBody
from workers.identity.transcript import step_leaves
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.wire import Tensor

AUDIT_THREADS = 1


@dataclass(frozen=True)
class ConcludedAttempt:
    """All that is left of an attempt once its slots are free: what audits need.

    `transcripts` holds the input tensors of the stages whose receipts are audited, and of the
    stages after them (their inputs are the outputs of the ones before).
    """

    transaction: TransactionId
    spans: tuple[SpanOnPhone, ...]
    steps: tuple[StepRecord, ...]
    answers: tuple[Tensor, ...]
    """Tokens with what was told of them (`workers.identity.answer_leaf`), or the one vector that
    answers."""
    sampling: SamplingRule
    boundary: Boundary
    bodies: Mapping[Serial, ReceiptBody]
    transcripts: Mapping[Serial, Sequence[Tensor]]
    due: frozenset[Serial]
    withheld: Mapping[Serial, Fact]
    """Stages that did not answer for their work, and how; they are jailed already."""
    classes: Mapping[Serial, str] = field(default_factory=dict)
    """What each phone named as its numerical class when it joined."""
    alternatives: int = COMMITTED_ALTERNATIVES
    """How many of the likeliest tokens the last stage commits to with each one chosen."""
    ancestors: frozenset[TransactionId] = frozenset()
    """The transactions whose rows its first steps are."""
    refused: frozenset[Serial] = frozenset()
    """Those of `withheld` that showed nothing when their work was to be audited."""


@dataclass(frozen=True)
class Finding:
    """A phone that did something it must answer for."""

    serial: Serial
    reason: Fact
    offence: str | None
    """The entry of the penalty table it is slashed for; None where it is only jailed."""
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class Coverage:
    """How much of an attempt's work was done again by this computer."""

    stages: int
    audited_stages: int
    """Over all steps; all of them where the whole attempt was re-executed."""
    verified_answers: int
    """The first answers: every stage's part in each of them was done again, and stands."""


@dataclass(frozen=True)
class AttemptOutcome:
    """What checking an attempt showed. Answers are counted from the attempt's first."""

    transaction: TransactionId
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    good_answers: int
    coverage: Coverage
    not_audited: Mapping[int, tuple[DutyOutcome, Fact]] = field(default_factory=dict)
    """By stage, what became of an audit that was due and has no verdict, and why."""


def stages_to_fetch(
    spans: Sequence[SpanOnPhone], due: frozenset[Serial], steps: Sequence[StepRecord]
) -> list[int]:
    """Return the stage indexes whose transcripts audits of the due stages need.

    What the first stage received is known as long as it came from the host.
    """
    serials = [span.stage.serial for span in spans]
    wanted = set()
    for index, serial in enumerate(serials):
        if serial in due:
            wanted.update({index, index + 1})
    first = 0 if any(step.by_ring for step in steps) else 1
    return sorted(index for index in wanted if first <= index < len(serials))


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
        if _auditable(attempt, index)
        and (verdict := audit(_case(attempt, index, store), open_engine)).conclusive
    )
    failed = [verdict for verdict in verdicts if verdict.failed]
    proven = {Serial(verdict.serial) for verdict in failed} | attempt.withheld.keys()
    disputed = _disputed(attempt, frozenset(proven))
    findings = [
        *(_failed_audit(verdict) for verdict in failed),
        *(_disagrees(serial) for serial in sorted(disputed)),
    ]
    settled_by_audits = _all_signed(attempt) and len(verdicts) == len(attempt.due) and not disputed
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


def _auditable(attempt: ConcludedAttempt, index: int) -> bool:
    serial = attempt.spans[index].stage.serial
    if serial not in attempt.due or attempt.bodies[serial].steps > len(attempt.steps):
        return False
    return serial in attempt.transcripts or (index == 0 and not _by_ring(attempt))


def _case(attempt: ConcludedAttempt, index: int, store: Path) -> AuditCase:
    span = attempt.spans[index]
    body = attempt.bodies[span.stage.serial]
    inputs = _inputs(attempt, index)
    outputs = _outputs(attempt, index)
    steps = [
        AuditStep(
            position=step.position,
            inputs=inputs[number],
            wants_token=step.wants_token,
            generated=step.generated,
            claimed=outputs[number] if number < len(outputs) else None,
        )
        for number, step in enumerate(attempt.steps[: min(body.steps, len(inputs))])
    ]
    return AuditCase(
        receipt=body,
        steps=tuple(steps),
        graph_path=store / span.shard.graph.sha256,
        shape=replace(span.shape, slots=1),
        sampling=attempt.sampling,
        threads=AUDIT_THREADS,
        boundary=attempt.boundary,
        alternatives=attempt.alternatives,
        parts=_parts(span, store),
        host_class=numerical_class(AUDIT_THREADS),
        registered_class=attempt.classes.get(span.stage.serial, ""),
    )


def _parts(span: SpanOnPhone, store: Path) -> tuple[StagePart, ...]:
    """Return what a quantised span does part by part; none of another."""
    return tuple(
        StagePart(
            store / part.graph.sha256,
            part_shape(span.shape, has_embedding=part.has_embedding, has_head=part.has_head),
        )
        for part in span.shard.parts
    )


def _inputs(attempt: ConcludedAttempt, index: int) -> Sequence[Tensor]:
    """Return what a stage received, step by step.

    For the first stage that is what the host sent it, and its word for what the last stage did.
    """
    serial = attempt.spans[index].stage.serial
    if index > 0:
        return attempt.transcripts[serial]
    if not _by_ring(attempt):
        return [_sent(step) for step in attempt.steps]
    pairs = zip(attempt.steps, attempt.transcripts[serial], strict=False)
    return [received if step.by_ring else _sent(step) for step, received in pairs]


def _sent(step: StepRecord) -> Tensor:
    return np.array([step.tokens], dtype="<i8")


def _by_ring(attempt: ConcludedAttempt) -> bool:
    """Tell whether the last stage sent tokens to the first without the host."""
    return any(step.by_ring for step in attempt.steps)


def _outputs(attempt: ConcludedAttempt, index: int) -> Sequence[Tensor | None]:
    """Return what a stage sent on: the next one's inputs, or the answers."""
    if index + 1 < len(attempt.spans):
        return attempt.transcripts.get(attempt.spans[index + 1].stage.serial, ())
    return _answers_by_step(attempt)


def _answers_by_step(attempt: ConcludedAttempt) -> list[Tensor | None]:
    """Return what came of each step that came to an end."""
    remaining = iter(attempt.answers)
    answers: list[Tensor | None] = []
    for step in attempt.steps:
        answer = next(remaining, None) if step.wants_token else None
        if step.wants_token and answer is None:
            break
        answers.append(answer)
    return answers


def _disputed(attempt: ConcludedAttempt, proven: frozenset[Serial]) -> set[Serial]:
    """Return both ends of every edge whose two signed roots cover the same steps and differ.

    Where one end is proven wrong already the other is not blamed for the difference.
    """
    serials = [span.stage.serial for span in attempt.spans]
    bodies = {body.stage: body for body in attempt.bodies.values()}
    edges = [
        {serials[dispute.sender], serials[dispute.receiver]}
        for dispute in edge_disputes(bodies)
        if bodies[dispute.sender].steps == bodies[dispute.receiver].steps
    ]
    if _fed_otherwise(attempt):
        edges.append({serials[0], serials[-1]})
    return {serial for edge in edges if proven.isdisjoint(edge) for serial in edge}


def _fed_otherwise(attempt: ConcludedAttempt) -> bool:
    """Tell whether the first stage signed for other tokens than the last told the host of.

    One of the two lies: the last sent another token, or the first says that it did.
    """
    first = attempt.spans[0].stage.serial
    body = attempt.bodies.get(first)
    if body is None or body.steps != len(attempt.steps) or not _by_ring(attempt):
        return False
    received = attempt.transcripts.get(first)
    if received is None:
        sent = [leaf for step in attempt.steps for leaf in step_leaves(_sent(step), step.position)]
        return root_hash(sent).hex() != body.input_root
    pairs = zip(attempt.steps, received, strict=False)
    return any(step.by_ring and not np.array_equal(_sent(step), fed) for step, fed in pairs)


def _good_by_chain(attempt: ConcludedAttempt, store: Path, open_engine: OpenEngine) -> int:
    shards = [
        ChainShard(
            store / span.shard.graph.sha256, replace(span.shape, slots=1), _parts(span, store)
        )
        for span in attempt.spans
    ]
    steps = [
        ChainStep(step.position, step.tokens, _answer_alone(attempt, answer))
        for step, answer in zip(attempt.steps, _answers_by_step(attempt), strict=False)
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


def offence_of(reason: AuditReason) -> str | None:
    """Return a failed audit's entry in the penalty table; None for one that costs no stake."""
    match reason:
        case AuditReason.WRONG_OUTPUT:
            return "wrong-output"
        case AuditReason.OUTPUTS_DISOWNED | AuditReason.INPUTS_DISOWNED | AuditReason.OTHER_SHARD:
            return "forged-root"
        case (
            AuditReason.NONE
            | AuditReason.INPUTS_UNUSABLE
            | AuditReason.DEVIATES
            | AuditReason.NEEDS_OUTPUTS
        ):
            return None
        case _:
            assert_never(reason)


def found_by_audit(reason: AuditReason) -> Fact:
    """Return what a phone did."""
    match reason:
        case AuditReason.NONE:
            return Fact("audit.nothing_wrong")
        case AuditReason.WRONG_OUTPUT:
            return Fact("audit.wrong_output")
        case AuditReason.DEVIATES:
            return Fact("audit.deviates")
        case AuditReason.OUTPUTS_DISOWNED:
            return Fact("audit.outputs_disowned")
        case AuditReason.INPUTS_DISOWNED:
            return Fact("audit.inputs_disowned")
        case AuditReason.INPUTS_UNUSABLE:
            return Fact("audit.inputs_unusable")
        case AuditReason.OTHER_SHARD:
            return Fact("audit.other_shard")
        case AuditReason.NEEDS_OUTPUTS:
            return Fact("audit.needs_outputs")
        case _:
            assert_never(reason)


def _failed_audit(verdict: Verdict) -> Finding:
    offence, found = offence_of(verdict.reason), found_by_audit(verdict.reason)
    return Finding(Serial(verdict.serial), found, offence, verdict.evidence)


def _disagrees(serial: Serial) -> Finding:
    return Finding(serial, Fact("offence.disagrees"), None, {})
