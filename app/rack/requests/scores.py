"""A classifier's numbers as people read them: labels with probabilities, likeliest first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.core.model import Scoring
from app.rack.snapshot import LabelScore
from workers.protocol.wire import Tensor


def label_scores(
    numbers: Tensor, labels: Sequence[str], scoring: Scoring
) -> tuple[LabelScore, ...]:
    """Return each label's score; `numbers` is `[labels]`, equal scores keep the model's order."""
    exact = numbers.astype(np.float64)
    if scoring is Scoring.SOFTMAX:
        weights = np.exp(exact - exact.max())
        exact = weights / weights.sum()
    elif scoring is Scoring.SIGMOID:
        exact = 0.5 * (1 + np.tanh(exact / 2))
    order = np.argsort(-numbers, kind="stable")
    return tuple(LabelScore(labels[index], float(exact[index])) for index in order)
