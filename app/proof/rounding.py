"""How far results of another processor may lie apart where it rounds activations otherwise.

Products with quantised weights round what they multiply to 8 bits, and how (in blocks, by rows, not
at all) depends on the processor. That is told from cheating by the error of a row as a share of
what the stage added to it. Measured in trained models over up to 10 layers, medians: rounding up to
0.06, q4 for q8 0.08 to 0.29, a layer left out 0.36 and more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from app.core.audit_outcome import AuditOutcome
from app.proof.stage_parts import StageParts, StageRows
from app.proof.tokens import Leeway, token_deviation
from app.proof.tolerance import ANSWER_TOLERANCE, WITHOUT_MEASURE, allowed_deviation
from workers.engine.sampling import biased, choose_token, heated, kept_tokens
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.wire import Tensor

PASSES_UP_TO: Final = 0.1
WRONG_ABOVE: Final = 0.35
ROW_WRONG_ABOVE: Final = 0.7
"""No single row may lie this far off, however good the others are; 1 is all that was added."""
MOST_ROWS: Final = 0.95
LEAST_ADDED: Final = 0.01
"""Least share of a row's length that counts as added: a tenth of it is what `f2` may round off."""
TOKEN_SPREADS: Final = 2.0
"""How many standard deviations of its logits' error a token may be off."""


class ComparedOutput(StrEnum):
    """What shares are of."""

    ROWS = "rows"
    TYPICAL_ROWS = "typical rows"
    """Rows of a stage with experts: single ones may have gone to others."""
    ANSWERS = "answers"
    """Tokens and vectors. Each counts, as most of a liar's may be right by chance."""
    FIGURES = "figures"
    """What is told beside tokens."""
    FINAL_ROWS = "final rows"
    """What went into the head."""
    HEAD = "head"
    """What the head made of these, probed (`app.proof.answers.grounds`)."""


@dataclass(frozen=True)
class RoundingMeasure:
    """What the shares of a receipt add up to."""

    of: ComparedOutput
    count: int
    median: float
    most: float
    """What `MOST_ROWS` of them do not exceed."""
    worst: float

    @classmethod
    def sum_up(cls, shares: Sequence[Tensor], of: ComparedOutput) -> RoundingMeasure:
        """Return the measure of the shares of each step, `[rows]` or `[1]`."""
        every = np.concatenate([np.zeros(0), *shares])
        if not every.size:
            return cls(of, 0, 0.0, 0.0, 0.0)
        median, most, worst = np.quantile(every, [0.5, MOST_ROWS, 1], method="higher")
        return cls(of, every.size, float(median), float(most), float(worst))

    @property
    def deviation(self) -> float:
        """How far off the whole is: above 1 is wrong."""
        if self.of is ComparedOutput.ANSWERS:
            return self.worst / WRONG_ABOVE
        if self.of is ComparedOutput.TYPICAL_ROWS:
            return self.median / WRONG_ABOVE
        return max(self.median / WRONG_ABOVE, self.worst / ROW_WRONG_ABOVE)

    @property
    def outcome(self) -> AuditOutcome:
        """What follows."""
        if self.deviation > 1:
            return AuditOutcome.FAILED
        typical = self.worst if self.of is ComparedOutput.ANSWERS else self.median
        many = self.most > WRONG_ABOVE and self.of is not ComparedOutput.TYPICAL_ROWS
        if typical > PASSES_UP_TO or many:
            return AuditOutcome.DEVIATES
        return AuditOutcome.PASSED

    def evidence(self) -> dict[str, Any]:
        """Return the measure and its limits by name."""
        return {
            "measure": f"error of {self.of} as a share of output - input",
            self.of.value: self.count,
            "median": self.median,
            "most": self.most,
            "worst": self.worst,
            "passes_up_to": PASSES_UP_TO,
            "wrong_above": WRONG_ABOVE,
            "row_wrong_above": ROW_WRONG_ABOVE,
        }


def row_shares(claimed: Tensor, expected: Tensor, entered: Tensor) -> Tensor:
    """Return the error of each row as a share of what was added to it, `[tokens]`.

    `claimed` and `expected` are `[1, tokens, hidden]` as sent, `entered` what the layers
    were given.
    """
    if claimed.shape != expected.shape or claimed.dtype != expected.dtype:
        return np.full(expected.shape[1], WITHOUT_MEASURE)
    reference = expected.astype(np.float64)[0]
    with np.errstate(invalid="ignore"):
        error = _lengths(claimed.astype(np.float64)[0] - reference)
        added = np.maximum(_lengths(reference - entered[0]), LEAST_ADDED * _lengths(reference))
        shares = error / np.maximum(added, np.finfo(np.float32).tiny)
    return _measurable(shares)


def answer_share(
    stage: StageParts, step: StageRows, claimed: Tensor, sampling: SamplingRule
) -> float:
    """Return the share that a step's rows must be off for an honest stage to answer as claimed.

    `claimed` is the token, `i8 [1]`, or the vector `[1, numbers]`. Raises `EngineError`.
    """
    if step.answer is None:
        raise ValueError("no-answer")
    if stage.answers_with_vector:
        return vector_share(claimed, step.answer, stage.answers_nearby(step, PASSES_UP_TO))
    logits, token = step.answer[0], int(claimed[0])
    if token == choose_token(logits, sampling, step.rows_cached):
        return 0.0
    nearby = stage.answers_nearby(step, PASSES_UP_TO)
    return token_share(logits, nearby, token, sampling, step.rows_cached)


def token_share(
    logits: Tensor, nearby: Tensor, token: int, sampling: SamplingRule, position: int
) -> float:
    """Return the share that the rows must be off for an honest stage to choose a token.

    `logits` is `[vocabulary]`, `nearby` `[samples, vocabulary]` are those of rows that are off by
    `PASSES_UP_TO`; `position` the rows in the cache after the step.
    """
    rounded = allowed_deviation(logits.astype(np.float64))
    errors = nearby.astype(np.float64) - logits
    spread = _common_spread(errors)

    def needed(share: float) -> float:
        times = share / PASSES_UP_TO
        surely, possibly = _likeliest(logits + times * errors, sampling)
        leeway = Leeway(rounded + TOKEN_SPREADS * times * spread, surely, possibly)
        return share * token_deviation(logits, token, sampling, position, leeway)

    return min(needed(PASSES_UP_TO), needed(WRONG_ABOVE), WITHOUT_MEASURE)


def vector_share(claimed: Tensor, expected: Tensor, nearby: Tensor) -> float:
    """Return the share that the rows must be off for a vector `[1, numbers]` to be that far off."""
    if claimed.shape != expected.shape or not np.isfinite(claimed).all():
        return WITHOUT_MEASURE
    reference = expected.astype(np.float64)
    rounded = _lengths(allowed_deviation(reference) + ANSWER_TOLERANCE)[0]
    moved = float(np.sqrt((_lengths(nearby - reference) ** 2).mean()))
    error = float(_lengths(claimed - reference)[0])
    return float(_measurable(np.array([PASSES_UP_TO * error / (moved + rounded)]))[0])


def _likeliest(answers: Tensor, sampling: SamplingRule) -> tuple[Tensor, Tensor]:
    """Return which tokens may be drawn by all logits, and by any (see `SamplingRule`)."""
    chosen = np.ones(answers.shape, bool)
    if not sampling.keeps_all:
        chosen[:] = False
        for row, logits in zip(chosen, answers, strict=True):
            row[kept_tokens(heated(biased(logits, sampling), sampling), sampling)] = True
    return np.all(chosen, axis=0), np.any(chosen, axis=0)


def _common_spread(errors: Tensor) -> float:
    """Return the standard deviation of logits' errors, without what all of a sample share."""
    finite = np.isfinite(errors).all(axis=0)
    if not finite.any():
        return 0.0
    return float(errors[:, finite].std(axis=1).mean())


def _lengths(rows: Tensor) -> Tensor:
    lengths: Tensor = np.linalg.norm(rows.astype(np.float64), axis=-1)
    return lengths


def _measurable(shares: Tensor) -> Tensor:
    """Return shares with `WITHOUT_MEASURE` for what is no number or too large for one."""
    known = np.nan_to_num(shares, nan=WITHOUT_MEASURE, posinf=WITHOUT_MEASURE)
    measurable: Tensor = np.minimum(known, WITHOUT_MEASURE)
    return measurable
