"""What comes back from the ring at the end of a step, read from the last stage's message."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from app.core.identifiers import Serial
from workers.sampling import Choice
from workers.wire import Message, Tensor

_MAXIMUM_TOKEN = 1 << 31
_MALFORMED = (KeyError, TypeError, ValueError, OverflowError)


@dataclass(frozen=True)
class StageTiming:
    """How long one stage took over one step."""

    serial: Serial
    compute_ms: float
    run_ms: float
    """Of that, inside the inference engine."""


@dataclass(frozen=True)
class TokenResult:
    """A token, the likeliest ones where asked for, and where its time went."""

    token: int
    log_probability: float
    alternatives: tuple[Choice, ...]
    timings: tuple[StageTiming, ...]
    goes_on: bool = False
    """Whether the last stage fed it to the first already."""


@dataclass(frozen=True)
class VectorResult:
    """The vector that answers a whole text, `f4 [1, numbers]`, and where its time went."""

    vector: Tensor
    timings: tuple[StageTiming, ...]


def token_result(message: Message, stages: Sequence[Serial]) -> TokenResult | None:
    """Return the token in a message, or None where there is none that can be read.

    `stages` are the phones it passed, in order.
    """
    with suppress(*_MALFORMED):
        fields = message.fields
        token = int(fields["token"])
        likeliest = [(int(other), float(value)) for other, value in fields["alternatives"]]
        if 0 <= token < _MAXIMUM_TOKEN:
            return TokenResult(
                token,
                float(fields["log_probability"]),
                tuple(Choice(other, value) for other, value in likeliest),
                _timings(message, stages),
                goes_on=bool(fields["goes_on"]),
            )
    return None


def vector_result(message: Message, numbers: int, stages: Sequence[Serial]) -> VectorResult | None:
    """Return the vector in a message, or None where there is none of so many finite numbers."""
    with suppress(*_MALFORMED):
        (vector,) = message.tensors
        fits = vector.dtype == np.float32 and vector.shape == (1, numbers)
        if fits and np.isfinite(vector).all():
            return VectorResult(vector, _timings(message, stages))
    return None


def _timings(message: Message, stages: Sequence[Serial]) -> tuple[StageTiming, ...]:
    return tuple(
        StageTiming(stages[stage], compute_us / 1000, run_us / 1000)
        for stage, compute_us, _queued_us, run_us in message.fields["trace"]
        if 0 <= stage < len(stages)
    )
