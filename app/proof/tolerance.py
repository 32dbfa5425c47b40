"""How far honest results may lie apart, and how far two results do.

The figures are those onnxruntime's own tests of its backends use (rtol 1e-3, atol 1e-5). The
absolute part is relative to the row's largest magnitude, as rounding errors of a dot product
scale with its largest terms, not with its result (Higham, Accuracy and Stability, section 3.1).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from workers.protocol.wire import Tensor

RELATIVE_TOLERANCE: Final = 1e-3
ABSOLUTE_TOLERANCE: Final = 1e-5
FLOAT16_TOLERANCE: Final = 2.0**-10
"""Rounding to float16 once on each side (11 bits of mantissa), relative."""
ANSWER_TOLERANCE: Final = 1e-4
"""How far a number of a vector that answers may lie off besides.

Few labels give no scale to measure rounding by. A score this far off changes no probability by more
than 0.000025.
"""
NEAR_AT_FIRST: Final = 0.006
NEAR_A_LAYER: Final = 0.0014
MOST_NEAR: Final = 0.025
WITHOUT_MEASURE: Final = 1e300
"""The deviation of something that cannot be compared: another shape, not a number."""


def hidden_deviation(claimed: Tensor, expected: Tensor) -> float:
    """Return the largest deviation between hidden states `[1, tokens, hidden]`, in tolerances.

    Both are in the form in which they were sent, `f4` or `f2`.
    """
    if claimed.shape != expected.shape or claimed.dtype != expected.dtype:
        return WITHOUT_MEASURE
    if not np.isfinite(claimed).all():
        return WITHOUT_MEASURE
    reference = expected.astype(np.float64)
    if not np.isfinite(reference).all():
        return WITHOUT_MEASURE
    allowed = allowed_deviation(reference)
    if expected.dtype == np.float16:
        allowed = allowed + FLOAT16_TOLERANCE * np.abs(reference)
    return float((np.abs(claimed - reference) / allowed).max(initial=0.0))


def answer_deviation(claimed: Tensor, expected: Tensor) -> float:
    """Return the largest deviation between vectors that answer `[1, numbers]`, in tolerances."""
    if claimed.shape != expected.shape or not np.isfinite(claimed).all():
        return WITHOUT_MEASURE
    reference = expected.astype(np.float64)
    allowed = allowed_deviation(reference) + ANSWER_TOLERANCE
    return float((np.abs(claimed - reference) / allowed).max(initial=0.0))


def allowed_deviation(reference: Tensor) -> Tensor:
    """Return, for each element, how far an honest one may lie from it; rows are the last axis."""
    magnitude = np.abs(reference)
    scale = np.maximum(magnitude.max(axis=-1, keepdims=True), np.finfo(np.float32).tiny)
    allowed: Tensor = RELATIVE_TOLERANCE * magnitude + ABSOLUTE_TOLERANCE * scale
    return allowed


def near(layers: int) -> float:
    """Return the median share of what quantised layers added that rows of them may be off.

    Roundings that flip add up over layers. Honest rows computed together by the same kind of
    processor were up to 0.004 off with 3 layers, 0.008 with 7 and 0.019 with 10; any one row up to
    twice as far, four times may be. Rows off by 1 % of their largest number lie at 0.02 to 0.07,
    a quarter of the feed-forward left out at 0.036.
    """
    return min(NEAR_AT_FIRST + NEAR_A_LAYER * layers, MOST_NEAR)
