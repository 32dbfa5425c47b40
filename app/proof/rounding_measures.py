"""What the shares of a receipt's steps add up to: of rows, answers, figures, grounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.core.audit_outcome import AuditOutcome
from app.proof.case import AuditCase
from app.proof.execution import Reexecution
from app.proof.rounding import ComparedOutput, RoundingMeasure
from app.proof.router_ties import ROUNDED
from workers.protocol.wire import Tensor


def measures_of(case: AuditCase, results: Sequence[Reexecution]) -> list[RoundingMeasure]:
    """Return the measures of all that was compared."""
    shares = [result.shares for result in results if result.shares is not None]
    if not case.shape.has_head:
        return [RoundingMeasure.sum_up(shares, ComparedOutput.ROWS)]
    beside = {
        ComparedOutput.FIGURES: [each.figures_share for each in results],
        ComparedOutput.FINAL_ROWS: [each.final_row_share for each in results],
        ComparedOutput.HEAD: [each.head_share for each in results],
    }
    found = [RoundingMeasure.sum_up(shares, ComparedOutput.ANSWERS)]
    for of, each in beside.items():
        known = [share for share in each if share is not None]
        found += [RoundingMeasure.sum_up([np.array(known)], of)] if known else []
    return found


def severity(measure: RoundingMeasure) -> tuple[int, float]:
    """Return how bad one is, worse ones greater."""
    ranks = (AuditOutcome.PASSED, AuditOutcome.DEVIATES, AuditOutcome.FAILED)
    return ranks.index(measure.outcome), measure.deviation


def measures_untied(
    case: AuditCase, results: Sequence[Reexecution], margin: Tensor
) -> list[RoundingMeasure]:
    """Return the measure of rows that no other experts explain, of answers before such a row."""
    each = [result.shares for result in results if result.shares is not None]
    shares = np.concatenate([np.zeros(0), *each])
    tied = margin <= ROUNDED
    if case.shape.has_head:
        ends = np.cumsum([step.inputs.shape[1] for step in case.steps]) - 1
        answered = [end for end, step in zip(ends, case.steps, strict=True) if step.wants_token]
        tied = np.maximum.accumulate(tied)[answered]
        return [RoundingMeasure.sum_up([shares[~tied]], ComparedOutput.ANSWERS)]
    return [RoundingMeasure.sum_up([shares[~tied]], ComparedOutput.TYPICAL_ROWS)]
