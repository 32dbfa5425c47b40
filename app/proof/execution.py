"""Running an audited shard again, step by step, in the same portions as the phone did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from app.core.errors import WorkerError, reason_of
from app.proof.case import AuditCase, AuditStep
from app.proof.stage_parts import OpenEngine
from app.proof.tokens import token_deviation
from app.proof.tolerance import answer_deviation, hidden_deviation
from workers.engine.engine import SpanShape
from workers.engine.hidden import sent_form
from workers.engine.sampling import choose_token
from workers.errors import ReportedError as EngineFailure
from workers.identity.transcript import NO_TOKEN
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class Reexecution:
    """What one step should have given."""

    committed: Tensor
    """What an honest phone commits to: its output, `i8 [1]` with the token, or the vector."""
    deviation: float | None
    """Of the claim, in tolerances; None where there is no claim."""
    shares: Tensor | None = None
    """Of the claim, as `app.proof.rounding` measures it: of each row, or of the answer."""


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
            yield _outcome(case, step, outputs)
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
        return np.array([NO_TOKEN], np.int64)
    if shape.has_head and not shape.answer_size:
        return None if step.claimed is None else np.array(step.claimed, np.int64).reshape(1)
    return step.claimed if isinstance(step.claimed, np.ndarray) else None


def _outcome(case: AuditCase, step: AuditStep, outputs: Tensor) -> Reexecution:
    if not case.shape.has_head:
        return _hidden_step(case, step, outputs)
    if not step.wants_token:
        return Reexecution(np.array([NO_TOKEN], np.int64), 0.0)
    if case.shape.answer_size:
        return _vector_step(case, step, outputs)
    return _token_step(case, step, outputs[0])


def _vector_step(case: AuditCase, step: AuditStep, outputs: Tensor) -> Reexecution:
    claimed = claimed_tensor(step, case.shape)
    return Reexecution(outputs, None if claimed is None else answer_deviation(claimed, outputs))


def _token_step(case: AuditCase, step: AuditStep, logits: Tensor) -> Reexecution:
    row_count = step.position + step.inputs.shape[1]
    token = choose_token(logits, case.sampling, row_count)
    claimed = claimed_tensor(step, case.shape)
    deviation = (
        None
        if claimed is None
        else token_deviation(logits, int(claimed[0]), case.sampling, row_count)
    )
    return Reexecution(np.array([token], np.int64), deviation)


def _hidden_step(case: AuditCase, step: AuditStep, outputs: Tensor) -> Reexecution:
    committed = sent_form(outputs, case.boundary)
    claimed = claimed_tensor(step, case.shape)
    deviation = None if claimed is None else hidden_deviation(claimed, committed)
    return Reexecution(committed, deviation)
