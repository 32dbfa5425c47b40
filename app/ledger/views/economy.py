"""What front ends see of the economy: proposals, quotes, transactions, parameters, the treasury."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ProposalRow:
    """A proposal and how the vote on it stands; stakes in micro-credits."""

    name: str
    title: str
    status: str
    ends_ms: int
    executes_ms: int
    yes: int
    no: int
    abstained: int
    all_votes: int
    accepted: bool
    """Whether it would be, were the vote over now."""
    parameter: str
    """What it changes; empty where it grants something."""
    value: int
    """What that is to be, or the micro-credits granted."""
    parts: int
    parts_paid: int


@dataclass(frozen=True)
class QuoteRow:
    """What a keeper asks; `price` in micro-credits a layer and token."""

    serial: str
    rule: str
    price: int
    rise_per_mille: int


@dataclass(frozen=True)
class TransactionRow:
    """A transaction and its money."""

    name: str
    status: str
    phones: int
    price_per_token: int
    held: int
    """What is in escrow for it, in micro-credits."""
    release_from_ms: int | None
    """When what it holds is paid; None before it is settled, and once nothing is held."""


@dataclass(frozen=True)
class EconomySnapshot:
    """The economy at one moment; amounts in micro-credits."""

    escrow: int = 0
    reserved: int = 0
    """What grants may still take of the treasury."""
    votes: int = 0
    """All that may vote now."""
    parameters: Mapping[str, int] = field(default_factory=dict)
    proposals: tuple[ProposalRow, ...] = ()
    """Newest first."""
    quotes: tuple[QuoteRow, ...] = ()
    transactions: tuple[TransactionRow, ...] = ()
    """The newest 50, newest first."""
    stopped_until_ms: int = 0
    """When the newest emergency stop ends or ended."""
