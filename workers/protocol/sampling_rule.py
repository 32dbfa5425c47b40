"""How a token is chosen, as it is asked for, and what one is told as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

from workers.protocol.bounds import Integer, Number, TokenId

MAXIMUM_ALTERNATIVES: Final = 20
MAXIMUM_TEMPERATURE: Final = 100.0
_LEAST_LOG_PROBABILITY: Final = -1e30

LogProbability = Annotated[float, Number(_LEAST_LOG_PROBABILITY, 0.0)]


@dataclass(frozen=True)
class SamplingRule:
    """Temperature 0 is greedy; `top_p` keeps the likeliest tokens that sum to that much."""

    temperature: Annotated[float, Number(0.0, MAXIMUM_TEMPERATURE)] = 0.0
    top_p: Annotated[float, Number(0.0, 1.0)] = 1.0
    seed: Annotated[int, Integer(0, (1 << 63) - 1)] = 0


class Choice(NamedTuple):
    """A token and the natural logarithm of its probability at temperature 1."""

    token: TokenId
    log_probability: LogProbability
