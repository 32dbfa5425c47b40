"""What coarse audits of a phone add up to: it moves reputation, audit rate and admission.

The bet: that the deviations of its outputs, in what would be called wrong and at most 1 each, are
above a half on average. Those of honest phones are not, of whatever processor (up to 0.3, of the
host's own class up to 0.05); those of a cheat that keeps just below what is wrong are.
"""

from __future__ import annotations

import math
from typing import Final

from app.core.audit_outcome import AuditOutcome
from app.ledger.rules.audits.wealth import Wealth

HONEST_MEAN: Final = 0.5
STAKED: Final = 1.8
"""Share of what could be staked at that mean: a deviation of 1 wins 0.9, one of 0 loses 0.9."""
SUSPECTED_FROM: Final = 20.0
"""From here on a phone is audited more often and every audit counts against its reputation."""
NOT_ADMITTED_FROM: Final = 10_000.0
"""From here on it gets no work until the operator releases it."""


def after_coarse_audit(wealth: Wealth, outcome: AuditOutcome, deviation: float) -> Wealth:
    """Return what the bets have grown to after one more audit."""
    seen = deviation if math.isfinite(deviation) else 1.0
    if outcome is AuditOutcome.FAILED:
        seen = 1.0
    return wealth.after(1 + STAKED * (min(max(seen, 0.0), 1.0) - HONEST_MEAN))
