"""How near rows computed together are to those signed for, and what tokens rest on likewise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.proof.answers.grounds import ShownGrounds, are_signed
from app.proof.case import AuditCase, AuditStep
from app.proof.tolerance import near
from workers.engine.engine import ShardEngine
from workers.protocol.wire import Tensor

ALONE_TIMES: Final = 4.0


def rows_off(case: AuditCase, shares: Tensor) -> float:
    """Return how far the rows of a stage are off together, above 1 not near."""
    typical = near(case.shape.layer_count)
    return max(float(np.median(shares)), float(shares.max()) / ALONE_TIMES) / typical


def final_rows_off(case: AuditCase, entered: Tensor, rows: Tensor) -> float:
    """Return how far what went into the head is off; both are `[tokens, hidden]`.

    In what rows may be off, as they are of any stage.
    """
    if not are_signed(case):
        return 0.0
    asked = [step for step in case.steps if step.wants_token]
    shown = [ShownGrounds.of(case, step, case.shape.vocabulary_size) for step in asked]
    if not asked or None in shown:
        return np.inf if None in shown else 0.0
    pairs = [(each, end_of(step) - 1) for each, step in zip(shown, asked, strict=True) if each]
    if not case.parts:
        return max(each.row_deviation(rows[place]) for each, place in pairs)
    shares = np.array([each.row_share(rows[place], entered[place]) for each, place in pairs])
    return rows_off(case, shares)


def head_off(case: AuditCase, steps: Sequence[AuditStep], engine: ShardEngine) -> float:
    """Return how far the head is off that was run on the rows signed for.

    With the same row nothing but the order of additions lets honest ones of this class differ:
    with quantised weights that is far less than where rows are rounded otherwise before.
    """
    found = [ShownGrounds.of(case, step, case.shape.vocabulary_size) for step in steps]
    shown = [each for each in found if each is not None and each.row is not None]
    if not are_signed(case) or not shown:
        return 0.0
    logits = head_logits(engine, np.stack([each.row for each in shown if each.row is not None]))
    pairs = zip(shown, logits, strict=True)
    return max(each.head_deviation(of_row) for each, of_row in pairs)


def head_logits(engine: ShardEngine, rows: Tensor) -> Tensor:
    """Return the head's logits `[rows, vocabulary]` of hidden rows `[rows, hidden]`."""
    count = len(rows)
    return engine.run_rows(range(count), [0] * count, rows[:, None])


def end_of(step: AuditStep) -> int:
    """Return how many rows are in the cache after a step."""
    return step.position + int(step.inputs.shape[1])
