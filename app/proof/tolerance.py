"""How far honest results may lie apart, and how far two results do.

The figures are those onnxruntime's own tests of its backends use (rtol 1e-3, atol 1e-5). The
absolute part is relative to the row's largest magnitude, as rounding errors of a dot product
scale with its largest terms, not with its result (Higham, Accuracy and Stability, section 3.1).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from workers.wire import Tensor

RELATIVE_TOLERANCE: Final = 1e-3
ABSOLUTE_TOLERANCE: Final = 1e-5
WITHOUT_MEASURE: Final = 1e300
"""The deviation of something that cannot be compared: another shape, not a number."""


def hidden_deviation(claimed: Tensor, expected: Tensor) -> float:
    """Return the largest deviation between hidden states `[1, tokens, hidden]`, in tolerances."""
    if claimed.shape != expected.shape or not np.isfinite(claimed).all():
        return WITHOUT_MEASURE
    reference = expected.astype(np.float64)
    return float((np.abs(claimed - reference) / allowed_deviation(reference)).max(initial=0.0))


def allowed_deviation(reference: Tensor) -> Tensor:
    """Return, for each element, how far an honest one may lie from it; rows are the last axis."""
    magnitude = np.abs(reference)
    scale = np.maximum(magnitude.max(axis=-1, keepdims=True), np.finfo(np.float32).tiny)
    allowed: Tensor = RELATIVE_TOLERANCE * magnitude + ABSOLUTE_TOLERANCE * scale
    return allowed
