"""The colour of a verdict; its sign stands in the words beside it."""

from __future__ import annotations

from typing import assert_never

from app.faults.experiments.outcome import ExperimentVerdict
from app.ui.looks.tokens import Tokens


def verdict_colour(verdict: ExperimentVerdict, tokens: Tokens) -> str:
    """Return what a verdict is written in."""
    match verdict:
        case ExperimentVerdict.AS_EXPECTED:
            return tokens.good
        case ExperimentVerdict.MISSED:
            return tokens.warn
        case ExperimentVerdict.HARM | ExperimentVerdict.DECEIVED:
            return tokens.bad
        case ExperimentVerdict.STOPPED:
            return tokens.muted
        case _:
            assert_never(verdict)
