"""Running an audited shard again where its phone rounds otherwise: part by part, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from app.core.errors import WorkerError, reason_of
from app.proof.answers.figures import FIGURE_SAMPLES, figures_share
from app.proof.answers.grounds import ShownGrounds, are_signed, honest_grounds
from app.proof.case import AuditCase, AuditStep
from app.proof.execution import Reexecution, claimed_tensor, honest_leaf
from app.proof.rounding import PASSES_UP_TO, ROW_WRONG_ABOVE, WRONG_ABOVE, answer_share, row_shares
from app.proof.stage_parts import OpenEngine, StageParts, StageRows
from app.proof.tolerance import WITHOUT_MEASURE
from workers.engine.hidden import sent_form
from workers.errors import ReportedError as EngineFailure
from workers.identity.answer_leaf import chosen_token, is_answer_leaf, no_answer
from workers.protocol.sampling_rule import steered
from workers.protocol.wire import Tensor


def reexecute_in_parts(case: AuditCase, open_engine: OpenEngine) -> Iterator[Reexecution]:
    """Return the outcome of each step in order, with the shares by which claims are off.

    Raises `app.core.errors.WorkerError` where the shard cannot be run on this machine.
    """
    try:
        stage = StageParts(case.parts, case.threads, case.boundary, open_engine)
        for step in case.steps:
            yield _outcome(case, step, stage)
    except EngineFailure as error:
        raise WorkerError(
            "audit.not_run",
            stage=case.receipt.stage,
            transaction=case.receipt.transaction,
            reason=reason_of(error),
        ) from error


def _outcome(case: AuditCase, step: AuditStep, stage: StageParts) -> Reexecution:
    rows = stage.run(step.position, step.inputs)
    claimed = claimed_tensor(step, case.shape)
    if rows.answer is None:
        committed = sent_form(rows.left, case.boundary)
        shares = None if claimed is None else row_shares(claimed, committed, rows.entered)
        return _judged(committed, shares, WRONG_ABOVE)
    if not step.wants_token:
        return Reexecution(no_answer(), 0.0, np.zeros(0))
    if not case.shape.answer_size:
        return _token_step(case, step, stage, rows, claimed)
    if claimed is None:
        return _judged(rows.answer, None, PASSES_UP_TO)
    share = answer_share(stage, rows, claimed, case.sampling)
    return _judged(rows.answer, np.array([share]), PASSES_UP_TO)


def _token_step(
    case: AuditCase, step: AuditStep, stage: StageParts, rows: StageRows, claimed: Tensor | None
) -> Reexecution:
    if rows.answer is None:
        raise ValueError("no-answer")
    logits = rows.answer[0]
    committed = honest_leaf(case, step, logits, rows.rows_cached)
    grounds = honest_grounds(case, step, logits, rows.left[0, -1])
    if claimed is None:
        return replace(_judged(committed, None, PASSES_UP_TO), grounds=grounds)
    if not is_answer_leaf(claimed, len(logits)):
        return _judged(committed, np.array([WITHOUT_MEASURE]), PASSES_UP_TO)
    token = np.array([chosen_token(claimed)], np.int64)
    share = answer_share(stage, rows, token, steered(case.sampling, step.steering))
    outcome = _judged(committed, np.array([share]), PASSES_UP_TO)
    nearby = stage.answers_nearby(rows, PASSES_UP_TO, FIGURE_SAMPLES)
    figures = figures_share(logits, nearby, claimed, case.alternatives)
    deviation = max(outcome.deviation or 0.0, figures / WRONG_ABOVE)
    found = replace(outcome, deviation=deviation, figures_share=figures, grounds=grounds)
    return _with_grounds(found, case, step, stage, rows) if are_signed(case) else found


def _with_grounds(
    found: Reexecution, case: AuditCase, step: AuditStep, stage: StageParts, rows: StageRows
) -> Reexecution:
    """Return an outcome with how far what its token rests on is off: the row, then the head."""
    shown = ShownGrounds.of(case, step, case.shape.vocabulary_size)
    if shown is None or shown.row is None:
        return replace(
            found,
            deviation=WITHOUT_MEASURE,
            final_row_share=WITHOUT_MEASURE,
            head_share=WITHOUT_MEASURE,
        )
    row = shown.row_share(rows.left[0, -1], rows.entered[0, -1])
    head = shown.head_share(stage.head_of(rows, shown.row))
    deviation = max(found.deviation or 0.0, row / ROW_WRONG_ABOVE, head / ROW_WRONG_ABOVE)
    return replace(found, deviation=deviation, final_row_share=row, head_share=head)


def _judged(committed: Tensor, shares: Tensor | None, limit: float) -> Reexecution:
    """Return an outcome that counts as bad, in a receipt that is wrong, above a limit.

    Of a liar's answers none is kept from the first that another processor does not explain.
    """
    deviation = None if shares is None else float(shares.max(initial=0.0)) / limit
    return Reexecution(committed, deviation, shares)
