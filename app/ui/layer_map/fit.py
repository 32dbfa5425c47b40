"""The colour of what can run where."""

from __future__ import annotations

from collections.abc import Sequence

from app.placement.problem import Prediction
from app.rack.snapshot import PhoneSnapshot
from app.ui.looks.tokens import Tokens
from app.words.fit import is_out


def fit_colour(prediction: Prediction, unusable: Sequence[PhoneSnapshot], tokens: Tokens) -> str:
    """Return the colour of `fit_text`: good only for what fits on phones that can work."""
    if unusable and prediction.fits and not any(map(is_out, unusable)):
        return tokens.warn
    return tokens.bad if unusable or not prediction.fits else tokens.good
