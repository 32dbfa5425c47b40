"""The rule that pays a part of a grant: the condition it waits for is seen in the journal."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, integer, record, text
from app.ledger.rules.accounts import TREASURY, Posting, keeper_account, post
from app.ledger.rules.governance.proposal import (
    ConditionKind,
    GrantCondition,
    ProposalStatus,
    PublicProposal,
)
from app.ledger.rules.governance.statement import SignedStatement
from app.ledger.rules.stakes.keepers import check_format
from app.ledger.rules.state import Change, State

ATTESTATION: Final = "attestation"
ATTESTATION_FIELDS: Final = ("proposal", "part")


def grant_paid(state: State, entry: Entry, fields: Fields) -> Change:
    """Pay one part of a grant that was decided, once."""
    check_format(state)
    proposal = state.economy.proposal(text(fields, "proposal"))
    index = integer(fields, "part")
    if proposal.status is not ProposalStatus.EXECUTED or index >= len(proposal.parts):
        raise LedgerError("governance.no_part", name=proposal.name, part=index)
    part = proposal.parts[index]
    if part.paid:
        raise LedgerError("governance.part_paid", name=proposal.name, part=index)
    if state.economy.stopped_at(entry.wall_ms):
        raise LedgerError("governance.stopped")
    if not is_met(state, entry.wall_ms, part.condition):
        _check_attested(state, proposal, index, fields)
    name = f"grant:{proposal.name}:{index}"
    transfers = (Posting(name, TREASURY, keeper_account(proposal.grantee), part.amount),)
    parts = tuple(
        replace(each, paid=True) if at == index else each for at, each in enumerate(proposal.parts)
    )
    economy = state.economy.with_proposal(replace(proposal, parts=parts))
    return Change(transfers, post(state.balances, state.transfers, transfers), economy=economy)


def is_met(state: State, wall_ms: int, condition: GrantCondition) -> bool:
    """Tell whether the journal itself shows that a condition is met."""
    match condition.kind:
        case ConditionKind.AFTER:
            return wall_ms >= condition.value
        case ConditionKind.AUDITS_PASSED:
            known = state.phones.get(condition.subject)
            return known is not None and known.audits_passed >= condition.value
        case ConditionKind.ATTESTED:
            return False
        case _:
            assert_never(condition.kind)


def _check_attested(state: State, proposal: PublicProposal, index: int, fields: Fields) -> None:
    """Raise `LedgerError` unless the key that the condition names signed that it is met."""
    condition = proposal.parts[index].condition
    if condition.kind is not ConditionKind.ATTESTED or "attestation" not in fields:
        raise LedgerError("governance.condition_unmet", name=proposal.name, part=index)
    signed = SignedStatement.from_fields(record(fields, "attestation"))
    said = signed.read(ATTESTATION, state.host_key, ATTESTATION_FIELDS)
    about = text(said, "proposal"), integer(said, "part")
    if signed.keeper.hex() != condition.subject or about != (proposal.name, index):
        raise LedgerError("governance.condition_unmet", name=proposal.name, part=index)
