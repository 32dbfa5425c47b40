"""Whether what a last stage's answers rest on is what its layers left and its head made of that.

A stage with a head is judged twice: the row that went into the head like any stage's rows, and the
probed logits by the head alone, run on the very row that was signed for. One product with exact
inputs leaves little to explain: on the same kind of processor nothing but the order of additions,
on another one (`HEAD_PASSES_UP_TO`) what a single rounding of the row does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from app.proof.answers.figures import FIGURES_TOLERANCE
from app.proof.case import AuditCase, AuditStep
from app.proof.rounding import PASSES_UP_TO, row_shares
from app.proof.tolerance import WITHOUT_MEASURE, hidden_deviation
from workers.identity.grounds import PROBES, grounds_of, grounds_root, probe_seed, probed_tokens
from workers.protocol.wire import Tensor

HEAD_PASSES_UP_TO: Final = 0.03
"""Error of probed logits, as a share of how far logits spread, that counts as `PASSES_UP_TO`.

Median of tokens, trained models, from the same row: honest classes of 8 and 4 bits 0.005-0.009 (any
one token up to 0.041), a head of 4 bits for 8 0.096."""


@dataclass(frozen=True)
class ShownGrounds:
    """What one token rests on, as it was shown."""

    probed: Tensor
    """`i8 [PROBES]`: the tokens whose logits these are."""
    logits: Tensor
    """`f4 [PROBES]`."""
    row: Tensor | None
    """`f4 [hidden]`, what went into the head; None where the graph shows none."""

    @classmethod
    def of(cls, case: AuditCase, step: AuditStep, vocabulary_size: int) -> Self | None:
        """Return them; None for what no honest stage commits to."""
        shown, hidden = step.grounds, case.shape.hidden_size
        if shown is None or shown.dtype != np.float32:
            return None
        if shown.shape not in ((PROBES,), (PROBES + hidden,)):
            return None
        ruled_out = np.isneginf(shown[:PROBES])
        if not (ruled_out | np.isfinite(shown[:PROBES])).all():
            return None
        if not np.isfinite(shown[PROBES:]).all():
            return None
        probed = probed_tokens(_seed(case), _end(step), vocabulary_size)
        row = shown[PROBES:] if len(shown) > PROBES else None
        return cls(probed, shown[:PROBES], row)

    def head_deviation(self, logits: Tensor, tolerance: float = FIGURES_TOLERANCE) -> float:
        """Return the largest error of the probed logits, in tolerances of the largest logit."""
        reference = logits.astype(np.float64)
        scale = float(np.abs(reference[np.isfinite(reference)]).max(initial=0.0))
        allowed = max(tolerance * scale, float(np.finfo(np.float32).tiny))
        return min(float(self._errors(reference).max()) / allowed, WITHOUT_MEASURE)

    def head_share(self, logits: Tensor) -> float:
        """Return their error where another processor may have rounded the row.

        As `app.proof.rounding` measures it: `PASSES_UP_TO` is what that explains.
        """
        reference = logits.astype(np.float64)
        finite = reference[np.isfinite(reference)]
        tiny = float(np.finfo(np.float32).tiny)
        spread = max(float(finite.std()) if finite.size else 0.0, tiny)
        error = float(np.sqrt((self._errors(reference) ** 2).mean())) / spread
        return min(PASSES_UP_TO * error / HEAD_PASSES_UP_TO, WITHOUT_MEASURE)

    def _errors(self, reference: Tensor) -> Tensor:
        """Return how far each probed logit is off, `f8 [PROBES]`.

        Minus infinity, which rules a token out, is right where the reference says so alone.
        """
        expected = reference[self.probed]
        with np.errstate(invalid="ignore"):
            errors: Tensor = np.abs(self.logits - expected)
        errors[np.isnan(errors)] = np.inf
        errors[self.logits == expected] = 0.0
        return errors

    def row_deviation(self, expected: Tensor | None) -> float:
        """Return how far the row is off in float32, in tolerances; `expected` is `f4 [hidden]`."""
        if self.row is None or expected is None:
            return _only_one(self.row, expected)
        return hidden_deviation(self.row, expected)

    def row_share(self, expected: Tensor, entered: Tensor) -> float:
        """Return the row's error as a share of what the stage added; all are `f4 [hidden]`."""
        if self.row is None:
            return WITHOUT_MEASURE
        (share,) = row_shares(*(each.reshape(1, 1, -1) for each in (self.row, expected, entered)))
        return float(share)


def are_signed(case: AuditCase) -> bool:
    """Tell whether the phone signed for what its tokens rest on: from protocol 14 on."""
    generates = case.shape.has_head and not case.shape.answer_size
    return case.receipt.grounds is not None and generates


def are_as_signed(case: AuditCase) -> bool:
    """Tell whether what was shown is what was signed for."""
    if not are_signed(case):
        return True
    return case.receipt.grounds == grounds_root(step.grounds for step in case.steps)


def honest_grounds(
    case: AuditCase, step: AuditStep, logits: Tensor, final_row: Tensor | None
) -> Tensor:
    """Return what an honest last stage commits to; `logits` is `[vocabulary]`."""
    return grounds_of(logits, final_row, _seed(case), _end(step))


def grounds_deviation(
    case: AuditCase, step: AuditStep, logits: Tensor, final_row: Tensor | None, tolerance: float
) -> float:
    """Return how far what a token rests on is off by what this computer makes of the same inputs.

    In tolerances; nothing where nothing was signed.
    """
    if not are_signed(case):
        return 0.0
    shown = ShownGrounds.of(case, step, len(logits))
    if shown is None:
        return WITHOUT_MEASURE
    return max(shown.row_deviation(final_row), shown.head_deviation(logits, tolerance))


def _only_one(shown: Tensor | None, expected: Tensor | None) -> float:
    return 0.0 if shown is None and expected is None else WITHOUT_MEASURE


def _seed(case: AuditCase) -> bytes:
    return probe_seed(case.receipt.transaction, case.receipt.terms.head)


def _end(step: AuditStep) -> int:
    return step.position + int(step.inputs.shape[1])
