"""Rules for proposals and votes: signed, counted by stake as it was when the proposal opened."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, text
from app.ledger.rules.accounts import TREASURY
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.governance.proposal import (
    TERMS,
    ProposalStatus,
    ProposalTerms,
    PublicProposal,
    VoteChoice,
)
from app.ledger.rules.governance.public_economy import PublicEconomy
from app.ledger.rules.governance.statement import SignedStatement
from app.ledger.rules.stakes.keepers import check_format
from app.ledger.rules.stakes.standing import speakers, weights
from app.ledger.rules.state import Change, State

MOST_OPEN: Final = 64
"""Proposals that are open at a time."""
MOST_OF_ONE: Final = 3
"""Of them, of one keeper."""
PROPOSAL: Final = "proposal"
VOTE: Final = "vote"
VOTE_FIELDS: Final = ("proposal", "choice")


def proposed(state: State, entry: Entry, fields: Fields) -> Change:
    """Open a proposal of a keeper that has a vote; from now on it is known who votes with what."""
    check_format(state)
    signed = SignedStatement.from_fields(fields)
    terms = ProposalTerms.from_fields(signed.read(PROPOSAL, state.host_key, TERMS))
    if signed.name in state.economy.proposals:
        raise LedgerError("governance.proposed_already", name=signed.name)
    keeper, can_vote = signed.keeper.hex(), weights(state)
    if keeper not in can_vote:
        raise LedgerError("governance.no_vote")
    _check_room(state.economy, keeper)
    _check_treasury(state, sum(part.amount for part in terms.parts))
    ends_ms = entry.wall_ms + state.economy.value(Parameter.VOTING_PERIOD_S) * 1000
    proposal = PublicProposal(
        signed.name,
        terms.title,
        keeper,
        entry.wall_ms,
        ends_ms,
        ends_ms + execution_delay_ms(state.economy),
        can_vote,
        speakers(state),
        terms.change,
        terms.grantee,
        terms.parts,
    )
    return Change(economy=state.economy.with_proposal(proposal))


def execution_delay_ms(economy: PublicEconomy) -> int:
    """Return how long what was decided waits: never less than evidence has time."""
    delays = Parameter.EXECUTION_DELAY_S, Parameter.EVIDENCE_WINDOW_S
    return max(economy.value(each) for each in delays) * 1000


def voted(state: State, entry: Entry, fields: Fields) -> Change:
    """Count a keeper's vote, once."""
    check_format(state)
    signed = SignedStatement.from_fields(fields)
    vote = signed.read(VOTE, state.host_key, VOTE_FIELDS)
    proposal, choice = state.economy.proposal(text(vote, "proposal")), text(vote, "choice")
    keeper = signed.keeper.hex()
    if proposal.status is not ProposalStatus.OPEN or entry.wall_ms >= proposal.ends_ms:
        raise LedgerError("governance.vote_over", name=proposal.name)
    if keeper not in proposal.weights:
        raise LedgerError("governance.no_vote")
    if keeper in proposal.votes:
        raise LedgerError("governance.voted_already", name=proposal.name)
    if choice not in list(VoteChoice):
        raise LedgerError("governance.odd_choice", choice=choice, known=tuple(VoteChoice))
    votes = {**proposal.votes, keeper: VoteChoice(choice)}
    return Change(economy=state.economy.with_proposal(replace(proposal, votes=votes)))


def closed(state: State, entry: Entry, fields: Fields) -> Change:
    """Reject a proposal that too few voted for, once its time is over."""
    proposal = _ended(state, entry, fields)
    if proposal.accepted:
        raise LedgerError("governance.accepted", name=proposal.name)
    proposal = replace(proposal, status=ProposalStatus.REJECTED)
    return Change(economy=state.economy.with_proposal(proposal))


def executed(state: State, entry: Entry, fields: Fields) -> Change:
    """Carry out what was decided: the votes are counted again here, whoever wrote the entry."""
    proposal, economy = _ended(state, entry, fields), state.economy
    if not proposal.accepted:
        raise LedgerError("governance.not_accepted", name=proposal.name)
    if entry.wall_ms < proposal.executes_ms:
        raise LedgerError("governance.too_early", name=proposal.name)
    if economy.stopped_at(entry.wall_ms):
        raise LedgerError("governance.stopped")
    if proposal.change is not None:
        changed = {**economy.changed, proposal.change.parameter: proposal.change.value}
        economy = replace(economy, changed=changed)
    _check_treasury(state, proposal.unpaid)
    proposal = replace(proposal, status=ProposalStatus.EXECUTED)
    return Change(economy=economy.with_proposal(proposal))


def _ended(state: State, entry: Entry, fields: Fields) -> PublicProposal:
    check_format(state)
    proposal = state.economy.proposal(text(fields, "proposal"))
    if proposal.status is not ProposalStatus.OPEN:
        raise LedgerError("governance.closed", name=proposal.name, status=proposal.status)
    if entry.wall_ms < proposal.ends_ms:
        raise LedgerError("governance.vote_goes_on", name=proposal.name)
    return proposal


def _check_room(economy: PublicEconomy, keeper: str) -> None:
    still = [p for p in economy.proposals.values() if p.status is ProposalStatus.OPEN]
    of_one = sum(each.keeper == keeper for each in still)
    if len(still) >= MOST_OPEN or of_one >= MOST_OF_ONE:
        raise LedgerError("governance.too_many", most=MOST_OPEN, of_one=MOST_OF_ONE)


def treasury_lacks(state: State, wanted: int) -> int:
    """Return how much is missing for a grant beside all that is promised already."""
    free = max(state.balance(TREASURY) - state.economy.reserved, 0)
    return max(wanted - free, 0)


def _check_treasury(state: State, wanted: int) -> None:
    if missing := treasury_lacks(state, wanted):
        raise LedgerError("governance.treasury_short", missing=missing)
