"""The ledger's rules for audits, for many phones at once: what accounts come to, in arrays.

The same sums, products and quotients in the same order as `after_audit` makes, so that the numbers
are equal to the last bit; test_honest_audits.py holds both against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.audit_outcome import AuditOutcome
from app.ledger.rules.audits.suspicion import HONEST_MEAN, STAKED, SUSPECTED_FROM
from app.ledger.rules.audits.wealth import MOST
from app.ledger.rules.phones.reputation import DECAY

Numbers = NDArray[np.float64]
Judged = tuple[AuditOutcome, float]
"""What an audit comes to, and how far off it is."""


@dataclass(frozen=True)
class Accounts:
    """What audits made of phones, one number each."""

    wealth: Numbers
    good: Numbers
    bad: Numbers
    passed: NDArray[np.int64]
    ever_suspected: NDArray[np.bool_]


class ManyPhones:
    """Audits phones one after the other, all of them at a time."""

    def __init__(self, receipts: list[list[Judged]], seed: int, phones: int) -> None:
        """Each phone is of one class, drawn; `receipts` are those of every class, as many each."""
        self._chance = np.random.default_rng(seed)
        self._phones = np.arange(phones)
        self.classes = self._chance.integers(len(receipts), size=phones)
        self._count = len(receipts[0])
        self._passed = np.array(
            [[each is AuditOutcome.PASSED for each, _ in some] for some in receipts]
        )
        failed = np.array([[each is AuditOutcome.FAILED for each, _ in some] for some in receipts])
        seen = np.array([[off for _, off in some] for some in receipts])
        seen = np.where(failed, 1.0, np.clip(np.where(np.isfinite(seen), seen, 1.0), 0.0, 1.0))
        self._factors = 1 + STAKED * (seen - HONEST_MEAN)

    def audited(self, audits: int, followed: int) -> tuple[Accounts, NDArray[np.int64]]:
        """Return what so many audits come to, and which receipts the first phones had.

        The second is `[audits, followed]`.
        """
        count = len(self._phones)
        wealth, good, bad = np.zeros(count), np.zeros(count), np.zeros(count)
        passed, suspected = np.zeros(count, np.int64), np.zeros(count, np.bool_)
        shown = np.empty((audits, followed), np.int64)
        for number in range(audits):
            drawn = self._chance.integers(self._count, size=count)
            shown[number] = drawn[:followed]
            fine = self._passed[self.classes, drawn]
            bets = number + 1
            wealth = (wealth + 1 / (bets * (bets + 1))) * self._factors[self.classes, drawn]
            wealth = np.minimum(wealth, MOST)
            honest = fine & (wealth < SUSPECTED_FROM)
            good, bad = good * DECAY + honest, bad * DECAY + ~honest
            passed += fine
            suspected |= wealth >= SUSPECTED_FROM
        return Accounts(wealth, good, bad, passed, suspected), shown
