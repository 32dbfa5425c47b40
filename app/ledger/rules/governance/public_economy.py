"""What is decided and offered in public: parameters, keepers, quotes, proposals, the stop.

One frozen value within the ledger's state; an entry that changes it puts another in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from app.core.errors import LedgerError
from app.ledger.rules.governance.parameters import BOUNDS, Parameter
from app.ledger.rules.governance.proposal import ProposalStatus, PublicProposal
from app.ledger.rules.quotes.quote import Quote

MOST_ORDERS_A_DAY: Final = 100
"""Of one keeper: an order stays in the journal forever, and costs nothing."""
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True)
class EmergencyStop:
    """A stop of payments, openings and executions."""

    since_ms: int
    until_ms: int
    """It ends by itself then."""
    ordered_until_ms: int
    """The latest that keepers ever signed for: no order counts twice."""
    by_votes: bool
    """Whether keepers ordered it, and not the operator."""


@dataclass(frozen=True)
class PublicEconomy:
    """Amounts in micro-credits, moments in ms since 1970 UTC."""

    changed: Mapping[str, int] = field(default_factory=dict)
    """Parameters that votes changed."""
    orders: Mapping[str, int] = field(default_factory=dict)
    """By keeper, the number of its newest order: each one has a higher number than the last."""
    order_days: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By keeper, the day of its newest order (UTC, from 1970), and how many it gave on it."""
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    """By phone."""
    proposals: Mapping[str, PublicProposal] = field(default_factory=dict)
    """By the SHA-256 of what was signed."""
    stop: EmergencyStop | None = None
    """The newest one, ended or not."""

    def value(self, parameter: Parameter) -> int:
        """Return what a parameter is now."""
        return self.changed.get(parameter, BOUNDS[parameter].default)

    def stopped_at(self, wall_ms: int) -> bool:
        """Tell whether an emergency stop is in force at a moment."""
        return self.stop is not None and wall_ms < self.stop.until_ms

    def quote(self, serial: str) -> Quote:
        """Return what a phone's keeper asks, up to the cap in force now, also below its own.

        Raises `LedgerError` where nobody asked anything.
        """
        if serial not in self.quotes:
            raise LedgerError("market.no_quote", phone=serial)
        asked = self.quotes[serial]
        return replace(asked, cap=min(asked.cap, self.value(Parameter.QUOTE_CAP)))

    def proposal(self, name: str) -> PublicProposal:
        """Return a proposal. Raises `LedgerError` for one that there is not."""
        if name not in self.proposals:
            raise LedgerError("governance.no_proposal", name=name)
        return self.proposals[name]

    @property
    def reserved(self) -> int:
        """What grants may still take of the treasury."""
        running = (p for p in self.proposals.values() if p.status is ProposalStatus.EXECUTED)
        return sum(each.unpaid for each in running)

    def with_proposal(self, proposal: PublicProposal) -> Self:
        """Return it with a proposal in the place of what was known of it."""
        return replace(self, proposals={**self.proposals, proposal.name: proposal})

    def after_slash(self, serial: str, taken: int) -> Self:
        """Return it where so much of a phone's stake is gone, and its votes on what is open."""
        slashed = {name: p.after_slash(serial, taken) for name, p in self.proposals.items()}
        return replace(self, proposals=slashed)

    def with_order(self, keeper: str, number: int, wall_ms: int) -> Self:
        """Return it after a keeper's order.

        Raises `LedgerError` where its number was used, or where it gave as many that day as the
        journal has room for.
        """
        if number <= self.orders.get(keeper, 0):
            raise LedgerError("order.repeated", number=number)
        day, (last, count) = wall_ms // _DAY_MS, self.order_days.get(keeper, (0, 0))
        count = count + 1 if day == last else 1
        if count > MOST_ORDERS_A_DAY:
            raise LedgerError("order.too_many_today", most=MOST_ORDERS_A_DAY)
        return replace(
            self,
            orders={**self.orders, keeper: number},
            order_days={**self.order_days, keeper: (day, count)},
        )
