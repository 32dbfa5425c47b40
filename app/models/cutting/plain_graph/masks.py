"""Tells what a mask hides: tokens ahead, and with a window those too far back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.models.cutting.plain_graph.graph_parts import PlainGraph
from app.models.cutting.plain_graph.step_lengths import StepLengths
from app.models.families.dimensions import MAXIMUM_CONTEXT_TOKENS

_HIDDEN_BELOW = -1e4
MASK_STEPS = (
    (1, 0),
    (5, 0),
    (3, 4),
    (9, 250),
    (2, 1023),
    (1, 4095),
    (1, MAXIMUM_CONTEXT_TOKENS - 1),
)
"""Tokens and cached tokens that are tried; the last one shows how far back a token sees."""
_NEAR = 7


def window_of(graph: PlainGraph, biases: Sequence[str]) -> int | None:
    """Return how many tokens are seen with the biases on the scores, 0 for all before.

    None where they do more than that, or it is not known: they must then stay.
    """
    try:
        numbers = StepLengths(graph, biases)
        if numbers.names != tuple(biases):
            return None
        seen = _seen(numbers, *MASK_STEPS[-1])
        if seen is None:
            return None
        window = 0 if seen.all() else int(seen.sum())
        steps = [*MASK_STEPS, *((_NEAR, max(0, window + shift)) for shift in (-_NEAR, -1, 0, 1))]
        fits = all(_fits(numbers, tokens, past, window) for tokens, past in steps)
    except Exception:  # noqa: BLE001 - a mask that cannot be computed for these lengths stays
        return None
    return window if fits else None


def _fits(numbers: StepLengths, tokens: int, past: int, window: int) -> bool:
    seen = _seen(numbers, tokens, past)
    if seen is None:
        return False
    own, keys = np.arange(past, past + tokens)[:, None], np.arange(past + tokens)
    expected = keys <= own
    if window:
        expected &= keys > own - window
    return bool((seen == expected).all())


def _seen(numbers: StepLengths, tokens: int, past: int) -> NDArray[np.bool_] | None:
    """Return what each token sees, [tokens, all]; None where scores are changed otherwise."""
    total = sum(
        (np.asarray(each, np.float64) for each in numbers.at(tokens, past).values()), np.zeros(1)
    )
    seen, hidden = total == 0, total <= _HIDDEN_BELOW
    if not (seen | hidden).all():
        return None
    whole = np.broadcast_to(seen, (1, 1, tokens, tokens + past))
    rows: NDArray[np.bool_] = whole[0, 0]
    return rows
