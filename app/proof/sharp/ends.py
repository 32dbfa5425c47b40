"""Whether a replay ends where the receipt says: at the rows that were sent, or the figures told.

The token follows from logits, position and what the phone signed that it chose by: choosing it is
one operator more, recomputed like the others.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from app.proof.answers.figures import (
    FIGURES_TOLERANCE,
    QUANTIZED_FIGURES_TOLERANCE,
    figures_deviation,
)
from app.proof.answers.grounds import ShownGrounds, are_signed
from app.proof.case import AuditCase, AuditStep
from app.proof.execution import claimed_tensor
from app.proof.rounding import row_shares
from app.proof.tokens import even_leeway, token_deviation
from app.proof.tolerance import WITHOUT_MEASURE, answer_deviation, hidden_deviation, near
from workers.engine.hidden import computed_form, sent_form
from workers.errors import BoundaryOverflowError, ReportedError
from workers.identity.answer_leaf import chosen_token, is_answer_leaf, no_answer
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import steered
from workers.protocol.wire import Tensor

ROUNDED_ANEW: Final = 0.1
"""Share of what a stage added to a row that may change where the same phone ran the row together
with others, and so rounded some activations otherwise (measured: up to 0.019, median of rows)."""

MEASURED_LAYERS: Final = 10
"""In stages of so many layers at most; of more it may be as much more."""


ANEW_TIMES: Final = 6.0
"""The same, in what rows may be off at the median: of 3 layers honest ones were a twelfth of it."""


def rounded_anew(case: AuditCase) -> float:
    """Return the share that a row may be off: less where fewer roundings add up.

    What is sent as float16 is rounded besides, by more than few layers may add. Stages of more
    layers than were measured are given more: stake hangs on this, and honest rows drift further.
    """
    layers = case.shape.layer_count
    most = ROUNDED_ANEW * max(1.0, layers / MEASURED_LAYERS)
    if case.boundary is not Boundary.F32 or layers > MEASURED_LAYERS:
        return most
    return min(most, ANEW_TIMES * near(layers))


def end_deviation(
    case: AuditCase, step: AuditStep, row: int, ended: Tensor, *, quantized: bool
) -> float:
    """Return how far the end of a replay is from what the receipt is for: above 1 is elsewhere.

    `ended` is the row of the stage's output, of the head the logits; `row` counts within the step.
    0 is to the last bit. Whether an answer was wanted is told by what the phone signed for alone.
    No number, or one too large to be sent, was never what honest phones sent.
    """
    claimed = claimed_tensor(step, case.shape)
    if claimed is None or (case.shape.has_head and _is_none(claimed)):
        return 0.0
    if not np.isfinite(ended).all():
        return WITHOUT_MEASURE
    if case.shape.has_head and case.shape.answer_size:
        return _vector_deviation(claimed, ended, quantized=quantized)
    if case.shape.has_head:
        tolerance = QUANTIZED_FIGURES_TOLERANCE if quantized else FIGURES_TOLERANCE
        figures = figures_deviation(ended, claimed, case.alternatives, tolerance)
        return max(figures, _probed_deviation(case, step, ended, tolerance))
    if claimed.ndim != 3 or row >= claimed.shape[1]:
        return WITHOUT_MEASURE
    told = claimed[:, row : row + 1]
    try:
        sent = sent_form(ended.reshape(1, 1, -1), case.boundary)
    except BoundaryOverflowError:
        return WITHOUT_MEASURE  # nothing of it can have been sent
    if told.dtype == sent.dtype and np.array_equal(told, sent):
        return 0.0
    if not quantized:
        return max(hidden_deviation(told, sent), np.finfo(float).tiny)
    entered = np.zeros_like(ended) if case.shape.has_embedding else _entered(step, row)
    (share,) = row_shares(told, sent, entered.reshape(1, 1, -1))
    return max(float(share) / rounded_anew(case), np.finfo(float).tiny)


def final_row_deviation(case: AuditCase, step: AuditStep, row: Tensor, *, quantized: bool) -> float:
    """Return how far what went into the head is from what the receipt is for: above 1 is elsewhere.

    `row` is the replay's state, `f4 [hidden]`, of the last row of a step. 0 is to the last bit, and
    where no token was wanted or nothing was signed.
    """
    if not are_signed(case) or not step.wants_token:
        return 0.0
    if not np.isfinite(row).all():
        return WITHOUT_MEASURE
    shown = ShownGrounds.of(case, step, case.shape.vocabulary_size)
    if shown is None or shown.row is None:
        return WITHOUT_MEASURE
    if np.array_equal(shown.row, row):
        return 0.0
    if not quantized:
        return max(shown.row_deviation(row), np.finfo(float).tiny)
    entered = np.zeros_like(row)
    if not case.shape.has_embedding:
        entered = _entered(step, int(step.inputs.shape[1]) - 1)
    return max(shown.row_share(row, entered) / rounded_anew(case), np.finfo(float).tiny)


def _probed_deviation(case: AuditCase, step: AuditStep, logits: Tensor, tolerance: float) -> float:
    if not are_signed(case):
        return 0.0
    shown = ShownGrounds.of(case, step, len(logits))
    return WITHOUT_MEASURE if shown is None else shown.head_deviation(logits, tolerance)


def choice_deviation(case: AuditCase, step: AuditStep, logits: Tensor, *, quantized: bool) -> float:
    """Return how far the token told is from being the one to choose: above 1 is another.

    Logits may be as far off as figures: with quantised weights more than float32. What leaves no
    token to choose no honest phone has chosen by; nor does it convict one.
    """
    leaf = claimed_tensor(step, case.shape)
    if leaf is None or not case.shape.has_head or not is_answer_leaf(leaf, len(logits)):
        return 0.0
    if not np.isfinite(logits).all():
        return 0.0  # its end is none, and told as such
    rule, rows = steered(case.sampling, step.steering), step.position + int(step.inputs.shape[1])
    try:
        leeway = even_leeway(logits, rule, QUANTIZED_FIGURES_TOLERANCE) if quantized else None
        return token_deviation(logits, chosen_token(leaf), rule, rows, leeway)
    except ReportedError:
        return 0.0


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


def _is_none(claimed: Tensor) -> bool:
    none = no_answer()
    return claimed.dtype == none.dtype and np.array_equal(claimed, none)
