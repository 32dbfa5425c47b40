"""What the last stage answers for one row: a token chosen from logits, or a vector as it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workers.engine.sampling import choices_of, choose_token
from workers.errors import NotFiniteError
from workers.identity.answer_leaf import answer_leaf, no_answer
from workers.identity.grounds import grounds_of
from workers.protocol.sampling_rule import UNSTEERED, Choice, Steering
from workers.protocol.step_message import StepRow
from workers.protocol.told import ToldToken
from workers.protocol.wire import Tensor
from workers.ring.faults import InjectedFault
from workers.ring.transactions import Transaction


class RowAnswer(NamedTuple):
    """What one transaction sends on, and what it came from where the stage is the last."""

    sent: Tensor
    """Hidden states; of the last stage the token, `i8 [1]`, or the vector."""
    logits: Tensor | None = None
    """`f4 [vocabulary]` where a token was chosen."""
    vector: Tensor | None = None
    """`f4 [1, numbers]` where the model answers with a vector, sent beside the result."""
    steering: Steering | None = None
    """What the answer was chosen by besides the rule; None where none was wanted."""
    grounds: Tensor | None = None
    """What a token rests on (`workers.identity.grounds`), to be signed for."""

    @property
    def token(self) -> int | None:
        """The token, where one was chosen."""
        return None if self.logits is None else int(self.sent[0])


def last_answer(
    transaction: Transaction,
    row: StepRow,
    outputs: Tensor,
    final_row: Tensor | None,
    tokens: int,
    fault: InjectedFault,
) -> RowAnswer:
    """Return the answer to a row of so many tokens; `outputs` is what the head put out, [1, n].

    `final_row` is what went into it, `[hidden]`, where the graph shows that. Raises
    `NotFiniteError` for numbers that are not finite.
    """
    if not row.wants_token:
        return RowAnswer(no_answer())
    if transaction.span.engine.shape.answer_size:
        check_finite(outputs)
        altered = fault.alter_hidden(row.generated, outputs)
        return RowAnswer(altered, vector=altered, steering=UNSTEERED)
    logits = fault.alter_logits(row.generated, outputs[0])
    steering = transaction.steering_of(row.generated)
    end = row.position + tokens
    token = choose_token(logits, transaction.rule_of(row.generated), end)
    told = fault.alter_figures(row.generated, logits)
    grounds = grounds_of(logits, final_row, transaction.probe_seed, end)
    return RowAnswer(np.array([token], np.int64), told, steering=steering, grounds=grounds)


def told_answer(row: StepRow, answer: RowAnswer, alternatives: int, *, goes_on: bool) -> ToldToken:
    """Return what the host is told of a row, with so many of the likeliest tokens."""
    named = row.transaction, row.step, row.generated
    if answer.logits is None or answer.token is None:
        return ToldToken(*named, None, None, (), goes_on)
    chosen, likeliest = choices_of(answer.logits, answer.token, alternatives)
    return ToldToken(*named, chosen.token, chosen.log_probability, likeliest, goes_on)


def committed_answer(answer: RowAnswer, told: ToldToken) -> Tensor:
    """Return what the last stage commits to: all that it told of a token, or what it sent."""
    if told.token is None or told.log_probability is None:
        return answer.sent
    return answer_leaf(Choice(told.token, told.log_probability), told.alternatives)


def check_finite(outputs: Tensor) -> None:
    """Raise `NotFiniteError` where a shard put out what nobody could go on with."""
    if not np.isfinite(outputs).all():
        raise NotFiniteError("numbers.not_finite")
