"""Prompt lookup: whether the ring may guess tokens ahead, and what came of that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class LookupMode(StrEnum):
    """`AUTO` drafts where a text repeats itself and drafts pay; the tokens are the same."""

    AUTO = "auto"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class LookupCounts:
    """Of one request: rounds of the ring that decoded, and what their drafts came to."""

    mode: LookupMode = LookupMode.OFF
    rounds: int = 0
    drafted: int = 0
    accepted: int = 0

    @property
    def tokens_per_round(self) -> float | None:
        """How many tokens a round brought on average; None before the first."""
        return (self.rounds + self.accepted) / self.rounds if self.rounds else None

    def with_round(self, drafted: int, accepted: int) -> LookupCounts:
        """Return them with one more round."""
        return LookupCounts(
            self.mode, self.rounds + 1, self.drafted + drafted, self.accepted + accepted
        )


NO_LOOKUP: Final = LookupCounts()
