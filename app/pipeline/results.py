"""What comes back from the ring at the end of a step, read from the last stage's message.

The last stage answers for every field but the trace, which other phones wrote on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.core.identifiers import Serial
from app.pipeline.failures import WrongAnswerError
from app.pipeline.ring_messages import StepAnswer
from workers.identity.answer_leaf import answer_leaf, is_answer_leaf
from workers.protocol.sampling_rule import Choice
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class StageTiming:
    """How long one stage took for one token, or one piece of a prompt."""

    serial: Serial
    compute_ms: float
    run_ms: float
    """Of that, inside the inference engine."""


@dataclass(frozen=True)
class TokenResult:
    """A token, the likeliest ones told with it, and where its time went."""

    token: int
    log_probability: float
    """As float32, like those of the alternatives: what the last stage committed to."""
    alternatives: tuple[Choice, ...]
    timings: tuple[StageTiming, ...]
    goes_on: bool = False
    """Whether the last stage fed it to the first already."""
    drafts: int = 0
    """How many guesses its step carried."""
    accepted: int = 0
    """How many of these were right: so many tokens and one more came of the step."""
    proposed: tuple[int, ...] = ()
    """Drafts that may be sent behind it."""
    left: int = 0
    """How many answers to drafts follow this one, from the same step."""
    by_draft: bool = False
    """Whether it was a draft; the step is counted with the token before the drafts."""

    @property
    def leaf(self) -> Tensor:
        """What the last stage must have committed to, `f4 [1 + alternatives, 2]`."""
        return answer_leaf(Choice(self.token, self.log_probability), self.alternatives)

    @property
    def row_timings(self) -> tuple[StageTiming, ...]:
        """How long each stage took for one row: the last computes no draft after a wrong one."""
        share = (1 + self.accepted) / (1 + self.drafts)
        return (
            tuple(
                replace(each, compute_ms=each.compute_ms * share, run_ms=each.run_ms * share)
                for each in self.timings[:-1]
            )
            + self.timings[-1:]
        )

    def shown(self, alternatives: int) -> TokenResult:
        """Return this with so many of its alternatives at most."""
        return replace(self, alternatives=self.alternatives[:alternatives])


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
    told = (row.token, *(choice.token for choice in row.alternatives), *answer.proposed)
    for token in told:
        if token >= vocabulary_size:
            raise WrongAnswerError("answer.token_beyond", token=token)
    alternatives = tuple(_as_committed(choice) for choice in row.alternatives)
    chosen = _as_committed(Choice(row.token, row.log_probability))
    result = TokenResult(
        *chosen,
        alternatives,
        timings_of(answer, stages),
        row.goes_on,
        answer.drafts,
        answer.accepted,
        answer.proposed if answer.left == 0 else (),
        answer.left,
        answer.by_draft,
    )
    if not is_answer_leaf(result.leaf, vocabulary_size):
        raise WrongAnswerError("answer.figures_contradict")
    return result


def _as_committed(choice: Choice) -> Choice:
    return choice._replace(log_probability=float(np.float32(choice.log_probability)))


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
    """Return how long each stage took, none twice; stages that there are not are left out.

    Tokens that came of one step share its time.
    """
    us_a_token = 1000 * (1 + answer.accepted)
    found = {
        each.stage: StageTiming(
            stages[each.stage], each.compute_us / us_a_token, each.run_us / us_a_token
        )
        for each in answer.trace
        if each.stage < len(stages)
    }
    return tuple(found.values())
