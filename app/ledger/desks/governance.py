"""Proposals, votes, grants and the emergency stop, as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.ledger.desks.recorder import EntryRecorder
from app.ledger.entry import EntryKind
from app.ledger.rules.governance.grants import is_met
from app.ledger.rules.governance.proposal import ProposalStatus, PublicProposal
from app.ledger.rules.governance.statement import SignedStatement
from app.ledger.rules.governance.voting import treasury_lacks


class GovernanceDesk:
    """Takes what keepers signed, and carries out what they decided. Used from one thread."""

    def __init__(self, recorder: EntryRecorder) -> None:
        self._recorder = recorder

    def propose(self, signed: SignedStatement) -> str:
        """Open a proposal; return its name. Raises `LedgerError`, as all of these do."""
        self._recorder.record(EntryKind.PROPOSED, signed.to_fields())
        return signed.name

    def vote(self, signed: SignedStatement) -> None:
        """Count a vote."""
        self._recorder.record(EntryKind.VOTED, signed.to_fields())

    def decide_due(self) -> int:
        """Close, execute and pay all that its time has come for; return how many entries it took.

        What cannot be paid now, as the treasury is short, waits.
        """
        before = self._recorder.state.entries
        for proposal in list(self._recorder.state.economy.proposals.values()):
            self._decide(proposal)
        return self._recorder.state.entries - before

    def pay_part(
        self, proposal: str, part: int, attestation: SignedStatement | None = None
    ) -> None:
        """Pay one part of a grant, with the signature that its condition may ask for."""
        fields: dict[str, Any] = {"proposal": proposal, "part": part}
        if attestation is not None:
            fields["attestation"] = attestation.to_fields()
        self._recorder.record(EntryKind.GRANT_PAID, fields)

    def stop(self, until_ms: int, reason: str, orders: Sequence[SignedStatement] = ()) -> None:
        """Stop openings, payments and executions until a moment: the operator, or keepers."""
        fields: dict[str, Any] = {"until_ms": until_ms, "reason": reason}
        self._recorder.record(EntryKind.STOPPED, fields | _ordered(orders))

    def stop_for(self, seconds: int, reason: str) -> None:
        """Stop them for so long from now on: the operator."""
        self.stop(self._recorder.wall_ms + seconds * 1000, reason)

    def resume(self, orders: Sequence[SignedStatement] = ()) -> None:
        """End a stop before its time."""
        self._recorder.record(EntryKind.RESUMED, _ordered(orders))

    def _decide(self, proposal: PublicProposal) -> None:
        now_ms, stopped = self._recorder.wall_ms, self._is_stopped
        named = {"proposal": proposal.name}
        match proposal.status:
            case ProposalStatus.OPEN if now_ms >= proposal.ends_ms and not proposal.accepted:
                self._recorder.record(EntryKind.PROPOSAL_CLOSED, named)
            case ProposalStatus.OPEN if now_ms >= proposal.executes_ms and not stopped:
                if not treasury_lacks(self._recorder.state, proposal.unpaid):
                    self._recorder.record(EntryKind.PROPOSAL_EXECUTED, named)
            case ProposalStatus.EXECUTED if not stopped:
                for index, part in enumerate(proposal.parts):
                    met = is_met(self._recorder.state, now_ms, part.condition)
                    if met and not part.paid:
                        self.pay_part(proposal.name, index)

    @property
    def _is_stopped(self) -> bool:
        return self._recorder.state.economy.stopped_at(self._recorder.wall_ms)


def _ordered(orders: Sequence[SignedStatement]) -> dict[str, Any]:
    return {"orders": [each.to_fields() for each in orders]} if orders else {}
