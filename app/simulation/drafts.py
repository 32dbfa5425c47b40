"""Drafts of a simulated last stage: mostly what comes next, so that many are right and some wrong.

Texts of the arithmetic model do not repeat themselves; the worker's own drafts would be few.
"""

from __future__ import annotations

from random import Random
from typing import Final

from app.simulation.model import undisturbed
from workers.protocol.commands import Open
from workers.protocol.sampling_rule import SamplingRule
from workers.ring.lookup import PromptLookup

_WRONG: Final = 0.3
_MOST: Final = 5


class SeededLookup(PromptLookup):
    """Guesses with the seed's chance of being wrong, whether that pays or not."""

    def __init__(self, command: Open, random: Random) -> None:
        super().__init__(())
        self._known = list(command.history or ())
        self._rule: SamplingRule = command.sampling
        self._random = random

    def add(self, token: int) -> None:
        """Take in the token that was chosen."""
        self._known.append(token)

    def begin_round(self, most: int, _now_ns: int | None) -> tuple[int, ...]:
        """Return drafts, each of which may be wrong; none now and then."""
        count = min(most, self._random.randint(0, _MOST))
        right = undisturbed(tuple(self._known), count, self._rule) if count else ()
        self.drafts = tuple(map(self._perhaps, right))
        return self.drafts

    def _perhaps(self, token: int) -> int:
        return (token + 1) % 8 if self._random.random() < _WRONG else token
