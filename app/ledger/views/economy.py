"""What front ends see of the economy: proposals, quotes, transactions, parameters, the treasury."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from app.ledger.rules.accounts import ESCROW
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.governance.proposal import PublicProposal, VoteChoice
from app.ledger.rules.stakes.standing import weights
from app.ledger.rules.state import State, TransactionRecord

NEWEST_TRANSACTIONS = 50


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


def economy_view(state: State) -> EconomySnapshot:
    """Return how the economy of a ledger stands."""
    economy = state.economy
    return EconomySnapshot(
        escrow=state.balance(ESCROW),
        reserved=economy.reserved,
        votes=sum(weights(state).values()),
        parameters={each.value: economy.value(each) for each in Parameter},
        proposals=tuple(_proposal(each) for each in reversed(list(economy.proposals.values()))),
        quotes=tuple(
            QuoteRow(each.serial, each.rule, each.price, each.rise_per_mille)
            for each in economy.quotes.values()
        ),
        transactions=tuple(_newest(state)),
        stopped_until_ms=economy.stop.until_ms if economy.stop else 0,
    )


def _proposal(proposal: PublicProposal) -> ProposalRow:
    change = proposal.change
    granted = sum(part.amount for part in proposal.parts)
    return ProposalRow(
        proposal.name,
        proposal.title,
        proposal.status,
        proposal.ends_ms,
        proposal.executes_ms,
        proposal.cast(VoteChoice.YES),
        proposal.cast(VoteChoice.NO),
        proposal.cast(VoteChoice.ABSTAIN),
        sum(proposal.weights.values()),
        proposal.accepted,
        change.parameter if change else "",
        change.value if change else granted,
        len(proposal.parts),
        sum(part.paid for part in proposal.parts),
    )


def _newest(state: State) -> Iterator[TransactionRow]:
    known = state.transactions
    names = reversed(known) if isinstance(known, dict) else reversed(list(known))
    for name in islice(names, NEWEST_TRANSACTIONS):
        yield _transaction(state.transactions[name])


def _transaction(attempt: TransactionRecord) -> TransactionRow:
    deal = attempt.deal
    waits = deal is not None and deal.held and deal.release_from_ms is not None
    return TransactionRow(
        attempt.transaction,
        attempt.status,
        len(attempt.stages),
        attempt.price_per_token,
        deal.held if deal else 0,
        deal.release_from_ms if deal and waits else None,
    )
