"""How the economy of a ledger stands, read from its state; the values are in `economy`."""

from __future__ import annotations

from collections.abc import Iterator

from app.ledger.rules.accounts import ESCROW
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.governance.proposal import PublicProposal, VoteChoice
from app.ledger.rules.stakes.standing import weights
from app.ledger.rules.state import State, TransactionRecord
from app.ledger.views.economy import EconomySnapshot, ProposalRow, QuoteRow, TransactionRow

NEWEST_TRANSACTIONS = 50


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
    for name in state.transactions.newest(NEWEST_TRANSACTIONS):
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
