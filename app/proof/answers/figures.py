"""Whether what a last stage commits to beside a token is what its logits say.

Its log-probabilities show a head of fewer bits that chooses the same tokens. Measured in trained
models, errors as a share of the largest logit: honest in float32 up to 5e-7, weights of 16 bits
2.6e-4, of 8 bits 1e-3 to 1e-2, of 4 bits 1e-2 to 1e-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from app.proof.rounding import PASSES_UP_TO
from app.proof.tolerance import WITHOUT_MEASURE
from workers.identity.answer_leaf import is_answer_leaf
from workers.protocol.wire import Tensor

FIGURES_TOLERANCE: Final = 2e-5
"""How far a log-probability may be off, as a share of the largest logit."""
QUANTIZED_FIGURES_TOLERANCE: Final = 5e-3
"""The same of quantised weights, where one rounding that flips is a step of 1/127."""
_FLOAT32_ROUNDING: Final = 2.0**-22
"""What a log-probability loses as float32, and the sum that it is normalised by."""
FIGURE_SAMPLES: Final = 4
"""How many answers of rows a little off tell how far figures move."""


@dataclass(frozen=True)
class FigureErrors:
    """How far the figures of one leaf are from what logits say."""

    tokens: Tensor
    """`i8 [1 + alternatives]`: those that the leaf names, the chosen one first."""
    errors: Tensor
    """Of each log-probability; then by how much some token left out is likelier than the last."""
    allowed: float
    """What float32 explains of each where the tolerance is `FIGURES_TOLERANCE`."""
    scale: float
    """The largest logit."""


def figures_deviation(logits: Tensor, leaf: Tensor, alternatives: int, tolerance: float) -> float:
    """Return the largest error of a leaf's figures, in tolerances.

    `logits` is `f4 [vocabulary]`, `leaf` is what `workers.identity.answer_leaf` makes, with so many
    alternatives.
    """
    found = figure_errors(logits, leaf, alternatives)
    if found is None:
        return WITHOUT_MEASURE
    allowed = found.allowed + (tolerance - FIGURES_TOLERANCE) * found.scale
    return min(float(found.errors.max() / allowed), WITHOUT_MEASURE)


def figures_share(logits: Tensor, nearby: Tensor, leaf: Tensor, alternatives: int) -> float:
    """Return the share that rows must be off for an honest stage to commit to such figures.

    `nearby` `[samples, vocabulary]` are the logits of rows that are off by `PASSES_UP_TO`.
    """
    found = figure_errors(logits, leaf, alternatives)
    if found is None:
        return WITHOUT_MEASURE
    expected = log_probabilities(logits)[found.tokens]
    moved = np.array([log_probabilities(each)[found.tokens] for each in nearby]) - expected
    explained = _mean_length(moved) + found.allowed
    return min(PASSES_UP_TO * _mean_length(found.errors) / explained, WITHOUT_MEASURE)


def figure_errors(logits: Tensor, leaf: Tensor, alternatives: int) -> FigureErrors | None:
    """Return how far a leaf's figures are off; None for what no honest stage commits to."""
    if not is_answer_leaf(leaf, len(logits)):
        return None
    tokens = leaf[:, 0].astype(np.int64)
    likeliest = tokens[1:]
    if len(likeliest) != min(alternatives, int(np.isfinite(logits).sum())):
        return None
    expected = log_probabilities(logits)
    if not np.isfinite(expected[tokens]).all():
        return None
    scale = float(np.abs(logits[np.isfinite(logits)]).max())
    rounded = _FLOAT32_ROUNDING * (1 + float(np.abs(expected[tokens]).max()))
    errors = np.abs(leaf[:, 1] - expected[tokens])
    left_out = _left_out(expected, likeliest, leaf[1:, 1])
    return FigureErrors(
        tokens, np.append(errors, left_out), FIGURES_TOLERANCE * scale + rounded, scale
    )


def log_probabilities(logits: Tensor) -> Tensor:
    """Return the natural logarithms of all tokens' probabilities, `f8 [vocabulary]`."""
    shifted = logits.astype(np.float64) - float(logits.max())
    normalized: Tensor = shifted - np.log(np.exp(shifted).sum())
    return normalized


def _left_out(expected: Tensor, likeliest: Tensor, figures: Tensor) -> float:
    """Return by how much the likeliest token left out lies above the least of those named."""
    if not likeliest.size:
        return 0.0
    others = expected.copy()
    others[likeliest] = -np.inf
    return max(float(others.max()) - float(figures[-1]), 0.0)


def _mean_length(numbers: Tensor) -> float:
    return float(np.sqrt((numbers.astype(np.float64) ** 2).mean()))
