"""How often to audit so that honest work pays better than cheating."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import BadInputError


@dataclass(frozen=True)
class Incentives:
    """What honesty costs and brings, all in the same unit of money."""

    honest_cost: float
    """Of doing the work."""
    cheat_cost: float
    """Of the cheapest way to seem to have done it."""
    reward: float
    slash: float
    collusion: float = 0.0
    """Share of audits that fall to the cheat's friends, 0 to below 1."""
    detection: float = 1.0
    """Chance that an audit of wrong work finds it wrong."""
    false_slash: float = 0.0
    """Chance that an audit of honest work finds it wrong."""


def least_audit_rate(incentives: Incentives) -> float:
    """Return the rate above which honesty pays better than the cheapest cheat.

    p > (C - c') / ((1 - r) * beta * (R + S) - alpha * S): proof of sampling with an imperfect
    test. Raises `BadInputError` where no rate up to 1 would do.
    """
    saved = incentives.honest_cost - incentives.cheat_cost
    caught = (1 - incentives.collusion) * incentives.detection
    lost = caught * (incentives.reward + incentives.slash)
    deterrent = lost - incentives.false_slash * incentives.slash
    if saved <= 0:
        return 0.0
    if deterrent <= saved:
        raise BadInputError("audit.honesty_does_not_pay")
    return saved / deterrent
