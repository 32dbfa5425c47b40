"""What the last stage answers for one row: a token chosen from logits, or a vector as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workers.errors import EngineError
from workers.faults import InjectedFault
from workers.sampling import choose_token, likeliest_tokens
from workers.step_message import StepRow
from workers.transactions import Transaction
from workers.wire import Tensor

_NO_TOKEN = -1


@dataclass(frozen=True)
class RowAnswer:
    """What one transaction commits to, and what the host is told where the stage is the last."""

    committed: Tensor
    result: dict[str, Any] | None = None
    vector: Tensor | None = None
    """`f4 [1, numbers]` where the model answers with a vector, sent beside the result."""


def last_answer(
    transaction: Transaction, row: StepRow, outputs: Tensor, tokens: int, fault: InjectedFault
) -> RowAnswer:
    """Return the answer to a row of so many tokens; `outputs` is what the head put out, [1, n].

    Raises `EngineError` for numbers that are not finite.
    """
    if not row.wants_token:
        return RowAnswer(np.array([_NO_TOKEN], np.int64), _result(row))
    if transaction.span.engine.shape.answer_size:
        return _vector(row, fault.alter_hidden(row.generated, outputs))
    choice = choose_token(outputs[0], transaction.sampling, row.position + tokens)
    token = fault.alter_token(row.generated, choice.token, outputs.shape[1])
    likeliest = likeliest_tokens(outputs[0], transaction.alternatives)
    return RowAnswer(
        np.array([token], np.int64),
        _result(
            row,
            token=token,
            log_probability=choice.log_probability,
            alternatives=[[other.token, other.log_probability] for other in likeliest],
        ),
    )


def _vector(row: StepRow, outputs: Tensor) -> RowAnswer:
    if not np.isfinite(outputs).all():
        raise EngineError("the model produced numbers that are not finite")
    return RowAnswer(outputs, _result(row), outputs)


def _result(
    row: StepRow,
    token: int | None = None,
    log_probability: float | None = None,
    alternatives: list[list[float]] | None = None,
) -> dict[str, Any]:
    return {
        "transaction": row.transaction,
        "step": row.step,
        "generated": row.generated,
        "token": token,
        "log_probability": log_probability,
        "alternatives": alternatives or [],
    }
