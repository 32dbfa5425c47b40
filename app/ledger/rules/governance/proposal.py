"""Proposals: a change of one parameter, or a grant from the treasury in parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from app.core.errors import LedgerError
from app.ledger.entry import Fields, amount, integer, octets, record, records, text
from app.ledger.rules.governance.parameters import BOUNDS, Parameter, parameter_named

MOST_PARTS: Final = 24
MOST_TITLE: Final = 200
"""Characters."""
TERMS: Final = ("title", "change", "grant")


class ProposalStatus(StrEnum):
    """How far a proposal got."""

    OPEN = "open"
    REJECTED = "rejected"
    EXECUTED = "executed"


class VoteChoice(StrEnum):
    """A vote. Who abstains counts for the quorum alone."""

    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"


class ConditionKind(StrEnum):
    """What a part of a grant waits for."""

    AFTER = "after"
    """A moment."""
    AUDITS_PASSED = "audits-passed"
    """A phone's count of audits that passed, in this journal."""
    ATTESTED = "attested"
    """The signature of a key that the proposal names."""


@dataclass(frozen=True)
class GrantCondition:
    """When a part is due: everybody can see whether it is, in the journal."""

    kind: ConditionKind
    value: int = 0
    """Milliseconds since 1970 UTC, or a count."""
    subject: str = ""
    """A serial number, or a public key in hexadecimal."""

    @classmethod
    def from_fields(cls, fields: Fields) -> GrantCondition:
        """Return a condition. Raises `LedgerError`."""
        kind = text(fields, "kind")
        match kind:
            case ConditionKind.AFTER:
                return cls(ConditionKind.AFTER, integer(fields, "wall_ms"))
            case ConditionKind.AUDITS_PASSED:
                count, serial = integer(fields, "count"), text(fields, "serial")
                return cls(ConditionKind.AUDITS_PASSED, count, serial)
            case ConditionKind.ATTESTED:
                return cls(ConditionKind.ATTESTED, subject=octets(fields, "key", 32).hex())
        raise LedgerError("governance.unknown_condition", name=kind, known=tuple(ConditionKind))


@dataclass(frozen=True)
class GrantPart:
    """A part of a grant, in micro-credits."""

    amount: int
    condition: GrantCondition
    paid: bool = False


@dataclass(frozen=True)
class ParameterChange:
    """A parameter and what it is to be."""

    parameter: Parameter
    value: int

    @classmethod
    def from_fields(cls, fields: Fields) -> ParameterChange:
        """Return a change. Raises `LedgerError` for one out of bounds."""
        parameter, value = parameter_named(text(fields, "parameter")), integer(fields, "value")
        BOUNDS[parameter].check(parameter, value)
        return cls(parameter, value)


@dataclass(frozen=True)
class PublicProposal:
    """A proposal with its votes; weights are those of the moment in which it was opened."""

    name: str
    title: str
    keeper: str
    opened_ms: int
    ends_ms: int
    executes_ms: int
    """From here on, and not before, what was decided can be carried out."""
    weights: Mapping[str, int]
    """By keeper, its stake without what the operator granted, in micro-credits; less what of it was
    slashed since."""
    speakers: Mapping[str, str] = field(default_factory=dict)
    """By phone with a vote, the keeper whose weight its stake is part of."""
    change: ParameterChange | None = None
    grantee: str = ""
    """The key of who gets the parts."""
    parts: tuple[GrantPart, ...] = ()
    votes: Mapping[str, VoteChoice] = field(default_factory=dict)
    status: ProposalStatus = ProposalStatus.OPEN

    @property
    def unpaid(self) -> int:
        """What is left of a grant."""
        return sum(each.amount for each in self.parts if not each.paid)

    def after_slash(self, serial: str, taken: int) -> PublicProposal:
        """Return it where so much of a phone's stake is gone: it has no say in what is still open.

        Whoever speaks for the phone by now: it is the stake that voted.
        """
        keeper = self.speakers.get(serial)
        if keeper is None or self.status is not ProposalStatus.OPEN:
            return self
        left = max(self.weights[keeper] - taken, 0)
        return replace(self, weights={**self.weights, keeper: left})

    def cast(self, choice: VoteChoice) -> int:
        """Return the stake that voted so."""
        return sum(self.weights[who] for who, what in self.votes.items() if what is choice)

    @property
    def accepted(self) -> bool:
        """Whether a third of all stake voted, and more than half of what took sides for it."""
        yes, no = self.cast(VoteChoice.YES), self.cast(VoteChoice.NO)
        voted = yes + no + self.cast(VoteChoice.ABSTAIN)
        return 3 * voted >= sum(self.weights.values()) and yes > no


@dataclass(frozen=True)
class ProposalTerms:
    """What a proposal asks for."""

    title: str
    change: ParameterChange | None
    grantee: str
    parts: tuple[GrantPart, ...]

    @classmethod
    def from_fields(cls, fields: Fields) -> ProposalTerms:
        """Return what was signed; the other of the two is null. Raises `LedgerError`."""
        title = text(fields, "title")
        if not 0 < len(title) <= MOST_TITLE or not title.isprintable():
            raise LedgerError("governance.odd_title", most=MOST_TITLE)
        if (fields.get("change") is None) == (fields.get("grant") is None):
            raise LedgerError("governance.one_thing")
        if fields.get("change") is not None:
            change = ParameterChange.from_fields(record(fields, "change"))
            return cls(title, change, "", ())
        grant = record(fields, "grant")
        parts = tuple(_part(row) for row in records(grant, "parts"))
        if not 0 < len(parts) <= MOST_PARTS:
            raise LedgerError("governance.odd_parts", most=MOST_PARTS)
        return cls(title, None, octets(grant, "to", 32).hex(), parts)


def _part(row: Fields) -> GrantPart:
    due = amount(row, "amount")
    if not due:
        raise LedgerError("governance.grant_of_nothing")
    return GrantPart(due, GrantCondition.from_fields(record(row, "condition")))
