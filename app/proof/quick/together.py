"""A quicker audit that only ever passes: all rows of a stage in a few runs and not one by one.

Rows computed together cost a tenth (float32) to a third (4 bits) of what they cost alone, and
differ from these by the order of additions. What lies as near as that passes; anything else is
looked at again step by step (`app.proof.audit`), which alone speaks against a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from app.core.audit_outcome import AuditOutcome
from app.proof.answers.figures import figures_deviation
from app.proof.audit import claimed_root, refusal_of
from app.proof.case import AuditCase, AuditMethod, AuditReason, AuditStep, Verdict
from app.proof.evidence import circumstances
from app.proof.execution import claimed_tensor, figures_tolerance
from app.proof.quick.nearness import end_of, final_rows_off, head_logits, head_off, rows_off
from app.proof.rounding import row_shares
from app.proof.stage_parts import OpenEngine, StagePart
from app.proof.tokens import token_deviation
from app.proof.tolerance import hidden_deviation
from workers.engine.engine import ShardEngine
from workers.engine.hidden import computed_form, sent_form
from workers.errors import ReportedError as EngineFailure
from workers.identity.answer_leaf import chosen_token, is_answer_leaf
from workers.protocol.sampling_rule import steered
from workers.protocol.wire import Tensor

CHUNK_ROWS: Final = 128
HEAD_ROWS: Final = 16


def passes_together(case: AuditCase, open_engine: OpenEngine) -> Verdict | None:
    """Return that a receipt passed; None where that takes a look at each step by itself.

    Also where so many rows cannot be run together here: one by one they may be.
    """
    if not suits(case) or refusal_of(case) is not None:
        return None
    if claimed_root(case) != case.receipt.output_root:
        return None
    try:
        off = _deviation(case, open_engine)
    except EngineFailure:
        return None
    if off is None or off > 1:
        return None
    return Verdict(
        case.receipt.transaction,
        case.receipt.stage,
        case.receipt.serial,
        outcome=AuditOutcome.PASSED,
        method=AuditMethod.TOGETHER,
        reason=AuditReason.NONE,
        deviation=off,
        evidence={**circumstances(case), "claimed_output_root": case.receipt.output_root},
    )


def suits(case: AuditCase) -> bool:
    """Tell whether rows can be computed together, and be told from wrong ones then.

    Vectors are made of whole texts; who overwrote rows has computed them in another order; whose
    processor may round otherwise is measured by that.
    """
    shape = case.shape
    gapless = all(
        step.position == end for step, end in zip(case.steps, _ends_before(case.steps), strict=True)
    )
    in_parts = bool(case.all_parts) or not shape.has_head
    plain = (
        shape.cached
        and not (shape.paired or shape.sees)
        and shape.answer_size == 0
        and in_parts
        and not case.rounds_otherwise
    )
    return plain and gapless and bool(case.steps)


def _ends_before(steps: Sequence[AuditStep]) -> Iterator[int]:
    end = 0
    for step in steps:
        yield end
        end += step.inputs.shape[1]


def _deviation(case: AuditCase, open_engine: OpenEngine) -> float | None:
    inputs = np.concatenate([step.inputs for step in case.steps], axis=1)
    if case.shape.has_head:
        return _of_answers(case, inputs, open_engine)
    if case.parts:
        return _of_rounded_rows(case, inputs, open_engine)
    engine = opened(case, StagePart(case.graph_path, case.shape), inputs, open_engine)
    left = sent_form(through(engine, inputs), case.boundary)
    claimed = _claimed_rows(case)
    return None if claimed is None else hidden_deviation(claimed, left)


def _of_rounded_rows(case: AuditCase, inputs: Tensor, open_engine: OpenEngine) -> float | None:
    """Return how far rows of quantised weights are off, in what rows together may be off."""
    claimed = _claimed_rows(case)
    if claimed is None:
        return None
    entered = rows = computed_form(inputs)
    for part in case.parts:
        rows = through(opened(case, part, rows, open_engine), rows)
        if part.shape.has_embedding:
            entered = rows
    shares = row_shares(claimed, sent_form(rows, case.boundary), entered)
    return rows_off(case, shares)


def _of_answers(case: AuditCase, inputs: Tensor, open_engine: OpenEngine) -> float | None:
    """Return how far the worst token, or what was told beside it or signed under it, is off."""
    entered = rows = computed_form(inputs)
    for part in case.all_parts:
        if not part.shape.has_head:
            rows = through(opened(case, part, rows, open_engine), rows)
        if part.shape.has_embedding:
            entered = rows
    worst = final_rows_off(case, entered[0], rows[0])
    if worst > 1:
        return worst
    head = next(part for part in case.all_parts if part.shape.has_head)
    shape = replace(head.shape, slots=HEAD_ROWS, context_tokens=1)
    engine = open_engine(head.graph_path, shape, case.threads)
    asked = [step for step in case.steps if step.wants_token]
    for first in range(0, len(asked), HEAD_ROWS):
        some = asked[first : first + HEAD_ROWS]
        ends = [end_of(step) for step in some]
        logits = head_logits(engine, rows[0, [end - 1 for end in ends]])
        for step, end, each in zip(some, ends, logits, strict=True):
            worst = max(worst, _answer_deviation(case, step, end, each))
        worst = max(worst, head_off(case, some, engine))
    return worst


def _answer_deviation(case: AuditCase, step: AuditStep, end: int, logits: Tensor) -> float:
    leaf = claimed_tensor(step, case.shape)
    if leaf is None or not is_answer_leaf(leaf, len(logits)):
        return np.inf
    rule = steered(case.sampling, step.steering)
    return max(
        token_deviation(logits, chosen_token(leaf), rule, end),
        figures_deviation(logits, leaf, case.alternatives, figures_tolerance(case)),
    )


def _claimed_rows(case: AuditCase) -> Tensor | None:
    claimed = [step.claimed for step in case.steps if step.claimed is not None]
    fits = len(claimed) == len(case.steps) and all(
        each.ndim == 3 and each.shape[:2] == step.inputs.shape[:2]
        for each, step in zip(claimed, case.steps, strict=False)
    )
    return np.concatenate(claimed, axis=1) if fits else None


def opened(case: AuditCase, part: StagePart, rows: Tensor, open_engine: OpenEngine) -> ShardEngine:
    """Return a part of a stage with room for so many rows."""
    shape = replace(part.shape, slots=1, context_tokens=rows.shape[1])
    return open_engine(part.graph_path, shape, case.threads)


def through(engine: ShardEngine, rows: Tensor) -> Tensor:
    """Return what an engine makes of rows, `[1, rows, hidden]`, in as few runs as fit."""
    outputs = [
        engine.run(0, start, rows[:, start : start + CHUNK_ROWS])
        for start in range(0, rows.shape[1], CHUNK_ROWS)
    ]
    joined: Tensor = np.concatenate(outputs, axis=1)
    return joined
