"""Whether inputs that a phone signed for are ones that a shard can run at all."""

from __future__ import annotations

import numpy as np

from app.proof.case import AuditCase, AuditStep
from workers.engine.engine import SpanShape
from workers.protocol.boundary import Boundary


def inputs_are_usable(case: AuditCase) -> bool:
    """Say whether every step has the right type and shape and leaves no gap in the cache."""
    filled = 0
    for step in case.steps:
        if not _fits(step, case.shape, case.boundary) or step.position > filled:
            return False
        filled = step.position + step.inputs.shape[1]
        if filled > case.shape.context_tokens:
            return False
    return True


def _fits(step: AuditStep, shape: SpanShape, boundary: Boundary) -> bool:
    inputs = step.inputs
    if step.position < 0 or inputs.ndim < 2 or inputs.shape[0] != 1 or inputs.shape[1] < 1:
        return False
    if not shape.has_embedding:
        hidden = inputs.ndim == 3 and inputs.shape[2] == shape.hidden_size
        expected = inputs.dtype == np.dtype(f"<{boundary.value}")
        return hidden and expected and bool(np.isfinite(inputs).all())
    tokens = inputs.ndim == 2 and inputs.dtype == np.int64
    return tokens and bool((inputs >= 0).all() and (inputs < shape.vocabulary_size).all())
