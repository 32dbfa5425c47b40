"""What comes back from the ring at the end of a step, read from the last stage's message.

The last stage answers for every field but the trace, which other phones wrote on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.identifiers import Serial
from workers.engine.sampling import Choice
from workers.errors import RequestRefusedError
from workers.protocol.fields import Fields
from workers.protocol.wire import Message, Tensor

_LEAST_LOG_PROBABILITY = -1e30


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


def token_result(
    message: Message, vocabulary_size: int, most_alternatives: int, stages: Sequence[Serial]
) -> TokenResult:
    """Return the token in a message; `stages` are the phones it passed, in order.

    Raises `RequestRefusedError` naming a field that no honest last stage would have sent.
    """
    fields = Fields(message.fields)
    alternatives = fields.items("alternatives")
    if len(alternatives) > most_alternatives:
        raise RequestRefusedError("there are more alternatives than were asked for")
    return TokenResult(
        fields.integer("token", 0, vocabulary_size - 1),
        fields.number("log_probability", _LEAST_LOG_PROBABILITY, 0.0),
        tuple(_choice(each, vocabulary_size) for each in alternatives),
        timings_of(message, stages),
        goes_on=fields.flag("goes_on"),
    )


def vector_result(message: Message, numbers: int, stages: Sequence[Serial]) -> VectorResult:
    """Return the vector in a message.

    Raises `RequestRefusedError` where there is none of so many finite numbers.
    """
    if len(message.tensors) == 1:
        (vector,) = message.tensors
        fits = vector.dtype == np.float32 and vector.shape == (1, numbers)
        if fits and np.isfinite(vector).all():
            return VectorResult(vector, timings_of(message, stages))
    raise RequestRefusedError(f"there are no {numbers} finite numbers")


def timings_of(message: Message, stages: Sequence[Serial]) -> tuple[StageTiming, ...]:
    """Return how long each stage took, none twice; what cannot be read is left out."""
    found = {}
    for entry in Fields(message.fields).items("trace"):
        match entry:
            case [int(stage), int(compute_us), int(_), int(run_us)] if 0 <= stage < len(stages):
                found[stage] = StageTiming(stages[stage], compute_us / 1000, run_us / 1000)
            case _:
                continue
    return tuple(found.values())


def _choice(entry: object, vocabulary_size: int) -> Choice:
    values: dict[str, Any] = {}
    if isinstance(entry, list):
        values = dict(zip(("alternatives", "log_probability"), entry, strict=False))
    fields = Fields(values)
    return Choice(
        fields.integer("alternatives", 0, vocabulary_size - 1),
        fields.number("log_probability", _LEAST_LOG_PROBABILITY, 0.0),
    )
