"""Whether a replay ends where the receipt says: at the rows that were sent, or the token told."""

from __future__ import annotations

from typing import Final

import numpy as np

from app.proof.case import AuditCase, AuditStep
from app.proof.execution import claimed_tensor
from app.proof.figures import (
    FIGURES_TOLERANCE,
    QUANTIZED_FIGURES_TOLERANCE,
    figures_deviation,
)
from app.proof.rounding import row_shares
from app.proof.tokens import token_deviation
from app.proof.tolerance import WITHOUT_MEASURE, answer_deviation, hidden_deviation
from workers.engine.hidden import computed_form, sent_form
from workers.identity.answer_leaf import chosen_token, is_answer_leaf
from workers.protocol.wire import Tensor

ROUNDED_ANEW: Final = 0.1
"""Share of what a stage added to a row that may change where the same phone ran the row together
with others, and so rounded some activations otherwise (measured: up to 0.019, median of rows)."""


def end_deviation(
    case: AuditCase, step: AuditStep, row: int, ended: Tensor, *, quantized: bool
) -> float:
    """Return how far the end of a replay is from what the receipt is for: above 1 is elsewhere.

    `ended` is the row of the stage's output, of the head the logits; `row` counts within the step.
    0 is to the last bit.
    """
    claimed = claimed_tensor(step, case.shape)
    if claimed is None or (case.shape.has_head and not step.wants_token):
        return 0.0
    if case.shape.answer_size:
        return _vector_deviation(claimed, ended, quantized=quantized)
    if case.shape.has_head:
        return _answer_deviation(case, step, claimed, ended, quantized=quantized)
    if claimed.ndim != 3 or row >= claimed.shape[1]:
        return WITHOUT_MEASURE
    told = claimed[:, row : row + 1]
    sent = sent_form(ended.reshape(1, 1, -1), case.boundary)
    if told.dtype == sent.dtype and np.array_equal(told, sent):
        return 0.0
    if not quantized:
        return max(hidden_deviation(told, sent), np.finfo(float).tiny)
    entered = np.zeros_like(ended) if case.shape.has_embedding else _entered(step, row)
    (share,) = row_shares(told, sent, entered.reshape(1, 1, -1))
    return max(float(share) / ROUNDED_ANEW, np.finfo(float).tiny)


def _vector_deviation(claimed: Tensor, ended: Tensor, *, quantized: bool) -> float:
    """Return how far a vector is off; of quantised weights nothing tells how far it may be."""
    told = ended.reshape(1, -1).astype(claimed.dtype)
    if claimed.shape == told.shape and np.array_equal(claimed, told):
        return 0.0
    off = max(answer_deviation(claimed, told), np.finfo(float).tiny)
    return float(np.finfo(float).tiny) if quantized and off < WITHOUT_MEASURE else off


def _entered(step: AuditStep, row: int) -> Tensor:
    entered: Tensor = computed_form(step.inputs)[0, row]
    return entered


def _answer_deviation(
    case: AuditCase, step: AuditStep, leaf: Tensor, logits: Tensor, *, quantized: bool
) -> float:
    """Return how far a token or its figures are off.

    What steered a token is the host's word alone, so that such a one is held to its figures.
    """
    if not is_answer_leaf(leaf, len(logits)):
        return WITHOUT_MEASURE
    tolerance = QUANTIZED_FIGURES_TOLERANCE if quantized else FIGURES_TOLERANCE
    rows = step.position + int(step.inputs.shape[1])
    figures = figures_deviation(logits, leaf, case.alternatives, tolerance)
    if step.steering:
        return figures
    return max(token_deviation(logits, chosen_token(leaf), case.sampling, rows), figures)
