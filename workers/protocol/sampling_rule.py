"""How a token is chosen, as it is asked for, and what one is told as."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, Final, NamedTuple

from workers.protocol.bounds import MAXIMUM_VOCABULARY, Integer, Items, Number, Octets, TokenId

MAXIMUM_ALTERNATIVES: Final = 20
MAXIMUM_TEMPERATURE: Final = 100.0
MAXIMUM_BIASES: Final = 300
LARGEST_BIAS: Final = 100.0
MAXIMUM_MASK_BYTES: Final = MAXIMUM_VOCABULARY // 8 + 1024
MAXIMUM_ADDED: Final = 8_192
LARGEST_ADDED: Final = 1e6
LARGEST_REPETITION: Final = 10.0
_LEAST_LOG_PROBABILITY: Final = -1e30

LogProbability = Annotated[float, Number(_LEAST_LOG_PROBABILITY, 0.0)]


class Bias(NamedTuple):
    """What is added to a token's logit before anything else; one beyond the vocabulary is none."""

    token: TokenId
    added: Annotated[float, Number(-LARGEST_BIAS, LARGEST_BIAS)]


@dataclass(frozen=True)
class SamplingRule:
    """Temperature 0 is greedy; above it a token is drawn of those that all three bounds keep.

    `top_p` keeps the likeliest that sum to that much, `top_k` so many of the likeliest (0: all),
    `min_p` those at least so many times as likely as the likeliest. Each is of all tokens.
    """

    temperature: Annotated[float, Number(0.0, MAXIMUM_TEMPERATURE)] = 0.0
    top_p: Annotated[float, Number(0.0, 1.0)] = 1.0
    seed: Annotated[int, Integer(0, (1 << 63) - 1)] = 0
    top_k: Annotated[int, Integer(0, MAXIMUM_VOCABULARY)] = 0
    min_p: Annotated[float, Number(0.0, 1.0)] = 0.0
    biases: Annotated[tuple[Bias, ...], Items(MAXIMUM_BIASES)] = ()

    @property
    def keeps_all(self) -> bool:
        """Whether any token may be drawn, or none is drawn at all."""
        bounded = self.top_p < 1 or self.top_k > 0 or self.min_p > 0
        return self.temperature == 0 or not bounded


class Choice(NamedTuple):
    """A token and the natural logarithm of its probability at temperature 1."""

    token: TokenId
    log_probability: LogProbability


class Added(NamedTuple):
    """What is added to a token's logit; one beyond the vocabulary is none."""

    token: TokenId
    amount: Annotated[float, Number(-LARGEST_ADDED, LARGEST_ADDED)]


Mask = Annotated[bytes, Octets(0, MAXIMUM_MASK_BYTES)]
Additions = Annotated[tuple[Added, ...], Items(MAXIMUM_ADDED)]
Repeated = Annotated[tuple[TokenId, ...], Items(MAXIMUM_ADDED)]
Repetition = Annotated[float, Number(1 / LARGEST_REPETITION, LARGEST_REPETITION)]


@dataclass(frozen=True)
class Steering:
    """Which tokens are allowed and what becomes of some logits; nothing where it is empty."""

    allowed: bytes = b""
    """A bit a token, lowest first, deflated (RFC 1950); empty where all are allowed."""
    added: tuple[Added, ...] = ()
    repeated: tuple[int, ...] = ()
    """Tokens that came already; one beyond the vocabulary is none."""
    repetition: float = 1.0
    """Their logits are divided by it where they are above 0, else multiplied (Keskar et al. 2019,
    arXiv:1909.05858), before anything is added."""

    def __bool__(self) -> bool:
        """Tell whether it changes anything."""
        return bool(self.allowed or self.added or self.repeated)


UNSTEERED: Final = Steering()


@dataclass(frozen=True)
class SteeredRule(SamplingRule):
    """A rule as it is for one token alone."""

    steering: Steering = UNSTEERED


def steered(rule: SamplingRule, steering: Steering) -> SamplingRule:
    """Return the rule for one token; the same where nothing steers."""
    if not steering:
        return rule
    given: dict[str, Any] = {each.name: getattr(rule, each.name) for each in fields(SamplingRule)}
    return SteeredRule(**given, steering=steering)


class AskedTokens(NamedTuple):
    """Which tokens the host asks for: what it says itself, whatever a step's rows say on the way.

    The step that ends with `rows` in the slot asks for the token of that number, each row more for
    the next one, and steps that end before for none.
    """

    rows: Annotated[int, Integer(1, 1 << 32)]
    generated: Annotated[int, Integer(1, 1 << 32)]

    def number_at(self, end: int) -> int:
        """Return which token a step asks for that ends at so many rows, 0 where none."""
        return self.generated + end - self.rows if end >= self.rows else 0
