"""Whether a phone dies more often when it is asked to show its work than it dies elsewhere.

Dying is an excuse that costs nothing, so it is compared: asks that ended with nobody there against
transactions that it left without a receipt. The bet is the E-variable of two proportions of Turner,
Ly and Gruenwald (2024, "Generic E-variables for exact sequential k-sample tests"), one block after
the other, its guesses made from the blocks before. Who loses it refuses when it dies.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from app.ledger.rules.audits.wealth import Wealth

REFUSES_FROM: Final = 1e6
"""A phone that dies everywhere alike ever comes here with a chance of one in a million."""
_MOST_IN_BLOCK: Final = 64


@dataclass(frozen=True)
class Times:
    """How often something could have died, and did."""

    tries: int = 0
    deaths: int = 0

    def after(self, *, died: bool) -> Times:
        """Return them with one more."""
        return Times(self.tries + 1, self.deaths + died)

    def plus(self, more: Times) -> Times:
        """Return both together."""
        return Times(self.tries + more.tries, self.deaths + more.deaths)

    @property
    def rate(self) -> float:
        """A guess at how often the next one dies (Krichevsky and Trofimov)."""
        return (self.deaths + 0.5) / (self.tries + 1)

    def likelihood_ratio(self, rate: float, other: float) -> float:
        """Return how much likelier these are at one rate than at another."""
        ratio = 1.0
        for number in range(self.tries):
            died = number < self.deaths
            ratio *= rate / other if died else (1 - rate) / (1 - other)
        return ratio


@dataclass(frozen=True)
class Deaths:
    """A phone's, by where they happened."""

    asked: Times = field(default_factory=Times)
    elsewhere: Times = field(default_factory=Times)
    newly_asked: Times = field(default_factory=Times)
    newly_elsewhere: Times = field(default_factory=Times)
    """Of the block that is not judged yet."""
    wealth: Wealth = field(default_factory=Wealth)

    @property
    def refuses(self) -> bool:
        """Whether it counts as a refusal when it dies at an ask."""
        return self.wealth.amount >= REFUSES_FROM

    def after_ask(self, *, died: bool) -> Deaths:
        """Return them after the phone was asked to show its work."""
        if self.newly_asked.tries >= _MOST_IN_BLOCK:
            return self
        return replace(self, newly_asked=self.newly_asked.after(died=died))

    def after_work(self, *, died: bool) -> Deaths:
        """Return them after a transaction that the phone had part in."""
        more = self
        if self.newly_elsewhere.tries < _MOST_IN_BLOCK:
            more = replace(self, newly_elsewhere=self.newly_elsewhere.after(died=died))
        return _judged(more) if more.newly_asked.tries else more


def _judged(found: Deaths) -> Deaths:
    asks, works = found.newly_asked, found.newly_elsewhere
    elsewhere = found.elsewhere.rate
    asked = max(found.asked.rate, elsewhere)
    alike = (asks.tries * asked + works.tries * elsewhere) / (asks.tries + works.tries)
    ratio = asks.likelihood_ratio(asked, alike) * works.likelihood_ratio(elsewhere, alike)
    return Deaths(
        found.asked.plus(asks), found.elsewhere.plus(works), wealth=found.wealth.after(ratio)
    )
