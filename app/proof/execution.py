"""Running an audited shard again, step by step, in the same portions as the phone did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.core.errors import WorkerError, reason_of
from app.proof.answers.figures import (
    FIGURES_TOLERANCE,
    QUANTIZED_FIGURES_TOLERANCE,
    figures_deviation,
)
from app.proof.answers.grounds import grounds_deviation, honest_grounds
from app.proof.case import AuditCase, AuditStep
from app.proof.stage_parts import OpenEngine
from app.proof.tokens import token_deviation
from app.proof.tolerance import WITHOUT_MEASURE, answer_deviation, hidden_deviation
from workers.engine.engine import SpanShape
from workers.engine.hidden import sent_form
from workers.engine.sampling import choices_of, choose_token
from workers.errors import ReportedError as EngineFailure
from workers.identity.answer_leaf import answer_leaf, chosen_token, is_answer_leaf, no_answer
from workers.protocol.sampling_rule import SamplingRule, steered
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class Reexecution:
    """What one step should have given."""

    committed: Tensor
    """What an honest phone commits to: its output, the token with its figures, or the vector."""
    deviation: float | None
    """Of the claim, in tolerances; None where there is no claim."""
    shares: Tensor | None = None
    """Of the claim, as `app.proof.rounding` measures it: of each row, or of the answer."""
    figures_share: float | None = None
    """The same of what is told beside a token (`app.proof.answers.figures`)."""
    grounds: Tensor | None = None
    """What an honest last stage's token rests on; None where none was wanted."""
    final_row_share: float | None = None
    """How far the row that went into the head is off, as `shares`."""
    head_share: float | None = None
    """How far the head is off that was run on this row, as `shares`."""


def reexecute(case: AuditCase, open_engine: OpenEngine) -> Iterator[Reexecution]:
    """Return the outcome of each step in order; one slot is enough.

    Raises `app.core.errors.WorkerError` where the shard cannot be run on this machine, which says
    nothing about the phone.
    """
    try:
        engine = open_engine(case.graph_path, replace(case.shape, slots=1), case.threads)
        engine.forget(0)
        for step in case.steps:
            outputs = engine.run(0, step.position, step.inputs)
            yield _outcome(case, step, outputs, engine.final_rows)
    except EngineFailure as error:
        raise WorkerError(
            "audit.not_run",
            stage=case.receipt.stage,
            transaction=case.receipt.transaction,
            reason=reason_of(error),
        ) from error


def claimed_tensor(step: AuditStep, shape: SpanShape) -> Tensor | None:
    """Return what a phone that answered as claimed would have committed to; None unclaimed."""
    if shape.has_head and not step.wants_token:
        return no_answer()
    return step.claimed


def honest_leaf(case: AuditCase, step: AuditStep, logits: Tensor, row_count: int) -> Tensor:
    """Return what an honest last stage commits to where its logits are these."""
    token = choose_token(logits, steered(case.sampling, step.steering), row_count)
    return answer_leaf(*choices_of(logits, token, case.alternatives))


def _outcome(
    case: AuditCase, step: AuditStep, outputs: Tensor, final_rows: Tensor | None
) -> Reexecution:
    if not case.shape.has_head:
        return _hidden_step(case, step, outputs)
    if not step.wants_token:
        return Reexecution(no_answer(), 0.0)
    if case.shape.answer_size:
        return _vector_step(case, step, outputs)
    return _token_step(case, step, outputs[0], None if final_rows is None else final_rows[0])


def _vector_step(case: AuditCase, step: AuditStep, outputs: Tensor) -> Reexecution:
    claimed = claimed_tensor(step, case.shape)
    return Reexecution(outputs, None if claimed is None else answer_deviation(claimed, outputs))


def _token_step(
    case: AuditCase, step: AuditStep, logits: Tensor, final_row: Tensor | None
) -> Reexecution:
    row_count = step.position + step.inputs.shape[1]
    claimed = claimed_tensor(step, case.shape)
    rule = steered(case.sampling, step.steering)
    grounds = honest_grounds(case, step, logits, final_row)
    if claimed is None:
        return Reexecution(honest_leaf(case, step, logits, row_count), None, grounds=grounds)
    deviation = max(
        _leaf_deviation(case, rule, logits, claimed, row_count),
        grounds_deviation(case, step, logits, final_row, figures_tolerance(case)),
    )
    return Reexecution(honest_leaf(case, step, logits, row_count), deviation, grounds=grounds)


def _leaf_deviation(
    case: AuditCase, rule: SamplingRule, logits: Tensor, leaf: Tensor, row_count: int
) -> float:
    """Return how far a token, or what is told beside it, is off."""
    if not is_answer_leaf(leaf, len(logits)):
        return WITHOUT_MEASURE
    return max(
        token_deviation(logits, chosen_token(leaf), rule, row_count),
        figures_deviation(logits, leaf, case.alternatives, figures_tolerance(case)),
    )


def figures_tolerance(case: AuditCase) -> float:
    """Return how far figures and logits may be off, as a share of the largest logit."""
    return QUANTIZED_FIGURES_TOLERANCE if case.parts else FIGURES_TOLERANCE


def _hidden_step(case: AuditCase, step: AuditStep, outputs: Tensor) -> Reexecution:
    committed = sent_form(outputs, case.boundary)
    claimed = claimed_tensor(step, case.shape)
    deviation = None if claimed is None else hidden_deviation(claimed, committed)
    return Reexecution(committed, deviation)
