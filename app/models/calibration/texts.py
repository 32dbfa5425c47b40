"""What four bits are calibrated by: a short text in several languages, or a person's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.core.assets import ASSETS
from app.models.families.interface import BlockPlan, Dimensions, WeightRole

BUILT_IN: Final = ASSETS / "calibration" / "languages.txt"
SEQUENCE_TOKENS: Final = 256
MOST_TOKENS: Final = 8192
LEAST_TOKENS: Final = 512
TOKENS_A_COLUMN: Final = 16
"""Of the hidden size: a small model needs no long text."""
WORK_FLOPS: Final = 2e13
"""Of the runs through the layers: some minutes on two cores. Larger models read less."""
_RUNS: Final = 2


def sequences(
    tokens: list[int], plans: Sequence[BlockPlan], sizes: Dimensions
) -> list[NDArray[np.int64]]:
    """Return a text's tokens as sequences [1, tokens], as many as a model has time for.

    Where that is not all they are taken evenly from the whole text.
    """
    length = min(SEQUENCE_TOKENS, sizes.context_tokens)
    affordable = int(WORK_FLOPS / (_RUNS * max(1, _flops_per_token(plans))))
    wanted = min(MOST_TOKENS, TOKENS_A_COLUMN * sizes.hidden_size, affordable)
    most = max(1, max(wanted, LEAST_TOKENS) // length)
    firsts = range(0, len(tokens) - length + 1, length) or range(1)
    chosen = np.unique(np.linspace(0, len(firsts) - 1, min(most, len(firsts))).round().astype(int))
    return [np.array([tokens[firsts[each] : firsts[each] + length]], np.int64) for each in chosen]


def _flops_per_token(plans: Sequence[BlockPlan]) -> int:
    """Return the multiplications and additions of all layers."""
    return sum(
        round(2 * math.prod(weight.shape) * weight.read_share)
        for plan in plans
        for weight in plan.weights
        if weight.role is WeightRole.MATRIX
    )
