"""Running an audited shard again where its phone rounds otherwise: part by part, step by step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from app.core.errors import WorkerError, reason_of
from app.proof.case import AuditCase, AuditStep
from app.proof.execution import Reexecution, claimed_tensor
from app.proof.rounding import PASSES_UP_TO, WRONG_ABOVE, answer_share, row_shares
from app.proof.stage_parts import OpenEngine, StageParts
from workers.engine.hidden import sent_form
from workers.engine.sampling import choose_token
from workers.errors import ReportedError as EngineFailure
from workers.identity.transcript import NO_TOKEN
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
        return Reexecution(np.array([NO_TOKEN], np.int64), 0.0, np.zeros(0))
    committed = _committed(case, rows.answer, rows.rows_cached)
    if claimed is None:
        return _judged(committed, None, PASSES_UP_TO)
    share = answer_share(stage, rows, claimed, case.sampling)
    return _judged(committed, np.array([share]), PASSES_UP_TO)


def _judged(committed: Tensor, shares: Tensor | None, limit: float) -> Reexecution:
    """Return an outcome that counts as bad, in a receipt that is wrong, above a limit.

    Of a liar's answers none is kept from the first that another processor does not explain.
    """
    deviation = None if shares is None else float(shares.max(initial=0.0)) / limit
    return Reexecution(committed, deviation, shares)


def _committed(case: AuditCase, answer: Tensor, rows_cached: int) -> Tensor:
    if case.shape.answer_size:
        return answer
    return np.array([choose_token(answer[0], case.sampling, rows_cached)], np.int64)
