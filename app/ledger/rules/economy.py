"""Amounts and penalties. Micro-credits, integers only; shares in thousandths."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from app.core.errors import LedgerError

CREDIT: Final = 1_000_000
"""Micro-credits in a credit."""
STARTING_STAKE: Final = 500 * CREDIT
OPERATOR_ENDOWMENT: Final = 1_000_000 * CREDIT
"""What the operator starts with to pay for requests."""
BOND_PER_MILLE: Final = 200
"""Share of everything a phone ever staked that a proven wrong output costs."""
TREASURY_FEE_PER_MILLE: Final = 20
JAIL_S: Final = 600
WATCHED_AUDITS: Final = 20
"""So many audits a phone must pass after one that it deviated in, audited more often until then."""
WATCHED_RATE_FACTOR: Final = 5
"""How many times as often."""
FOREVER_MS: Final = 2**53 - 1
"""The end of a jail term that never ends (the largest integer that JSON carries exactly)."""


@dataclass(frozen=True)
class Penalty:
    """What an offence costs."""

    stake_per_mille: int
    """Of everything the phone ever staked; never more than it has left."""
    jail_s: int
    tombstone: bool = False
    needs_failed_audit: bool = False
    """Nobody is slashed for it on somebody's word alone."""
    is_unpaid: bool = True
    """Whether the work that it was found in is not paid: not where that itself was right."""


PENALTIES: Final = MappingProxyType(
    {
        "wrong-output": Penalty(BOND_PER_MILLE, JAIL_S, needs_failed_audit=True),
        "forged-root": Penalty(BOND_PER_MILLE, JAIL_S),
        "equivocation": Penalty(1000, JAIL_S, tombstone=True),
        "false-capability": Penalty(50, 0, is_unpaid=False),
    }
)


def audit_rate_for(usual: float, *, watched: bool) -> float:
    """Return the share of a phone's receipts to audit, 0 to 1, given the rack's usual one."""
    return min(1.0, usual * WATCHED_RATE_FACTOR) if watched else usual


def penalty_for(reason: str) -> Penalty:
    """Return the penalty of an offence. Raises `LedgerError` for one the table does not have."""
    try:
        return PENALTIES[reason]
    except KeyError:
        raise LedgerError(
            "penalty.unknown_offence", offence=reason, known=tuple(PENALTIES)
        ) from None


def share(amount: int, per_mille: int) -> int:
    """Return that many thousandths of an amount in micro-credits, rounded down."""
    return amount * per_mille // 1000


def split_exactly(total: int, weights: tuple[int, ...]) -> tuple[int, ...]:
    """Split a total by weights into integers that add up to it (largest remainder method)."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return tuple(parts)


def exact_credits(amount: int) -> str:
    """Return an amount in credits with all its digits, such as `100.5`."""
    whole, micro = divmod(abs(amount), CREDIT)
    fraction = f"{micro:06d}".rstrip("0")
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:,}{'.' + fraction if fraction else ''}"
