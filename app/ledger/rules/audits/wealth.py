"""Bets against a phone's honesty: what they have grown to is evidence, at any time.

Each bet multiplies what is put into it by a number that is 1 on average, or less, as long as the
phone is honest; what a gambler has then is an e-process, and the chance that it ever reaches `c`
is at most 1 / c (Ville 1939; Shafer 2021, "Testing by betting"; Waudby-Smith and Ramdas 2024,
"Estimating means of bounded random variables by betting"). Of one unit 1 / n(n + 1) is put in anew
with the n-th bet, so that a long honest life does not hide what comes after it (as the mixtures of
Shin, Ramdas and Rinaldo 2024, "E-detectors"). Nothing but additions, products and quotients is
used: every machine works out the same from the same journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

MOST: Final = 1e9
"""What is won beyond is left out, which is to the phone's good."""


@dataclass(frozen=True)
class Wealth:
    """What bets have grown to, of one unit in all."""

    amount: float = 0.0
    bets: int = 0

    def after(self, factor: float) -> Self:
        """Return it after one more bet, which multiplies what is in it by `factor`."""
        bets = self.bets + 1
        amount = (self.amount + 1 / (bets * (bets + 1))) * factor
        return type(self)(min(amount, MOST), bets)

    def begun_anew(self) -> Self:
        """Return it with all that was won given away."""
        return type(self)(0.0, self.bets)
