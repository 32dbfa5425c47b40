"""What comes back from the ring at the end of a step, read from the last stage's message.

The last stage answers for every field but the trace, which other phones wrote on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.core.identifiers import Serial
from app.pipeline.failures import WrongAnswerError
from app.pipeline.ring_messages import StepAnswer
from workers.protocol.sampling_rule import Choice
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class StageTiming:
    """How long one stage took over one step."""

    serial: Serial
    compute_ms: float
    run_ms: float
    """Of that, inside the inference engine."""


@dataclass(frozen=True)
class TokenResult:
    """A token, the likeliest ones where asked for, and where its time went."""

    token: int
    log_probability: float
    alternatives: tuple[Choice, ...]
    timings: tuple[StageTiming, ...]
    goes_on: bool = False
    """Whether the last stage fed it to the first already."""


@dataclass(frozen=True)
class VectorResult:
    """The vector that answers a whole text, `f4 [1, numbers]`, and where its time went."""

    vector: Tensor
    timings: tuple[StageTiming, ...]


def token_result(
    answer: StepAnswer, vocabulary_size: int, most_alternatives: int, stages: Sequence[Serial]
) -> TokenResult:
    """Return the token in an answer; `stages` are the phones it passed, in order.

    Raises `WrongAnswerError` telling of what no honest last stage would have sent.
    """
    row = answer.row
    if row.token is None or row.log_probability is None:
        raise WrongAnswerError("answer.no_token")
    if len(row.alternatives) > most_alternatives:
        raise WrongAnswerError("answer.more_alternatives", most=most_alternatives)
    for token in (row.token, *(choice.token for choice in row.alternatives)):
        if token >= vocabulary_size:
            raise WrongAnswerError("answer.token_beyond", token=token)
    timings = timings_of(answer, stages)
    return TokenResult(row.token, row.log_probability, row.alternatives, timings, row.goes_on)


def vector_result(answer: StepAnswer, numbers: int, stages: Sequence[Serial]) -> VectorResult:
    """Return the vector in an answer.

    Raises `WrongAnswerError` where there is none of so many finite numbers.
    """
    if len(answer.tensors) == 1:
        (vector,) = answer.tensors
        fits = vector.dtype == np.float32 and vector.shape == (1, numbers)
        if fits and np.isfinite(vector).all():
            return VectorResult(vector, timings_of(answer, stages))
    raise WrongAnswerError("answer.no_vector", numbers=numbers)


def timings_of(answer: StepAnswer, stages: Sequence[Serial]) -> tuple[StageTiming, ...]:
    """Return how long each stage took, none twice; stages that there are not are left out."""
    found = {
        stage: StageTiming(stages[stage], compute_us / 1000, run_us / 1000)
        for stage, compute_us, _, run_us in answer.trace
        if stage < len(stages)
    }
    return tuple(found.values())
