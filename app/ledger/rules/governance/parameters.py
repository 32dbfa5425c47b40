"""What votes may change, within which bounds; all of it integers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.core.errors import LedgerError
from app.ledger.rules.economy import CREDIT, TREASURY_FEE_PER_MILLE

_HOUR: Final = 3_600
_DAY: Final = 24 * _HOUR


class Parameter(StrEnum):
    """A number of the economy that votes may change, by its name in proposals."""

    EVIDENCE_WINDOW_S = "evidence-window-s"
    """From settlement to payment: so long evidence takes back what is to be paid."""
    COMMIT_WITHIN_S = "commit-within-s"
    """From opening a transaction to its deadline."""
    MINIMUM_STAKE = "minimum-stake"
    """Micro-credits below which a phone is in probation."""
    UNBONDING_DELAY_S = "unbonding-delay-s"
    REPORTER_PER_MILLE = "reporter-per-mille"
    """Of a slash, to who reported it."""
    TREASURY_FEE_PER_MILLE = "treasury-fee-per-mille"
    QUOTE_CAP = "quote-cap"
    """The most micro-credits that a keeper may ask for a layer and token."""
    VOTING_PERIOD_S = "voting-period-s"
    EXECUTION_DELAY_S = "execution-delay-s"
    """From the end of a vote to what it decided; never shorter than the evidence window."""
    STOP_AT_MOST_S = "stop-at-most-s"
    """How long an emergency stop lasts at most."""


@dataclass(frozen=True)
class ParameterBounds:
    """What a parameter is until a vote changes it, and what votes may make of it."""

    default: int
    least: int
    most: int

    def check(self, name: str, value: int) -> None:
        """Raise `LedgerError` for a value out of bounds."""
        if not self.least <= value <= self.most:
            raise LedgerError(
                "governance.out_of_bounds", name=name, value=value, least=self.least, most=self.most
            )


BOUNDS: Final = MappingProxyType(
    {
        Parameter.EVIDENCE_WINDOW_S: ParameterBounds(_HOUR, 600, 30 * _DAY),
        Parameter.COMMIT_WITHIN_S: ParameterBounds(_DAY, _HOUR, 7 * _DAY),
        Parameter.MINIMUM_STAKE: ParameterBounds(100 * CREDIT, CREDIT, 10_000 * CREDIT),
        Parameter.UNBONDING_DELAY_S: ParameterBounds(14 * _DAY, _DAY, 60 * _DAY),
        Parameter.REPORTER_PER_MILLE: ParameterBounds(200, 0, 250),
        Parameter.TREASURY_FEE_PER_MILLE: ParameterBounds(TREASURY_FEE_PER_MILLE, 0, 100),
        Parameter.QUOTE_CAP: ParameterBounds(10_000, 1, 1_000_000),
        Parameter.VOTING_PERIOD_S: ParameterBounds(3 * _DAY, _HOUR, 30 * _DAY),
        Parameter.EXECUTION_DELAY_S: ParameterBounds(_DAY, 600, 30 * _DAY),
        Parameter.STOP_AT_MOST_S: ParameterBounds(3 * _DAY, _HOUR, 7 * _DAY),
    }
)


def parameter_named(name: str) -> Parameter:
    """Return the parameter of that name. Raises `LedgerError` for one that there is not."""
    try:
        return Parameter(name)
    except ValueError:
        known = tuple(each.value for each in Parameter)
        raise LedgerError("governance.unknown_parameter", name=name, known=known) from None
