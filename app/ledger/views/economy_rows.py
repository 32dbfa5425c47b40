"""What the entries of stakes, market and governance tell, for the journal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from app.core.facts import Fact, FieldValue
from app.ledger.entry import EntryKind, Fields, amount, text
from app.ledger.views.reasons import reason_named

SHOWN_DIGITS: Final = 12
"""So many of a key or a digest are shown."""


def _signed(fields: Fields) -> Fields:
    """Return what a keeper signed: a rule has read it before it became an entry."""
    said = json.loads(text(fields, "data"))
    return said if isinstance(said, dict) else {}


def _keeper(fields: Fields) -> Fact:
    key = text(fields, "key")
    if "data" in fields:
        key = text(_signed(fields), "key")
    return Fact("journal.keeper_named", key=key[:SHOWN_DIGITS])


def _quoted(fields: Fields) -> Fact:
    said = _signed(fields)
    return Fact("journal.quoted", price=amount(said, "price"), rule=text(said, "rule"))


def _proposed(fields: Fields) -> Fact:
    return Fact("journal.proposed", title=text(_signed(fields), "title"))


def _voted(fields: Fields) -> Fact:
    said = _signed(fields)
    name = text(said, "proposal")[:SHOWN_DIGITS]
    return Fact("journal.voted", name=name, choice=text(said, "choice"))


def _named(code: str) -> Callable[[Fields], Fact]:
    def told(fields: Fields) -> Fact:
        more: dict[str, FieldValue] = {}
        if "part" in fields:
            more["part"] = int(fields["part"]) + 1
        return Fact(code, name=text(fields, "proposal")[:SHOWN_DIGITS], **more)

    return told


def _moved(code: str) -> Callable[[Fields], Fact]:
    return lambda fields: Fact(code, amount=amount(_signed(fields), "amount"))


def _stopped(fields: Fields) -> Fact:
    by_votes = "orders" in fields
    code = "journal.stopped_by_votes" if by_votes else "journal.stopped"
    return Fact(code, reason=reason_named(fields["reason"]))


ECONOMY: Final[Mapping[str, Callable[[Fields], Fact]]] = MappingProxyType(
    {
        EntryKind.KEEPER_NAMED: _keeper,
        EntryKind.EARNINGS_STAKED: _moved("journal.earnings_staked"),
        EntryKind.UNBONDING_BEGUN: _moved("journal.unbonding_begun"),
        EntryKind.UNBONDING_ENDED: lambda _fields: Fact("journal.unbonding_ended"),
        EntryKind.QUOTED: _quoted,
        EntryKind.PROPOSED: _proposed,
        EntryKind.VOTED: _voted,
        EntryKind.PROPOSAL_CLOSED: _named("journal.proposal_closed"),
        EntryKind.PROPOSAL_EXECUTED: _named("journal.proposal_executed"),
        EntryKind.GRANT_PAID: _named("journal.grant_paid"),
        EntryKind.STOPPED: _stopped,
        EntryKind.RESUMED: lambda _fields: Fact("journal.resumed"),
    }
)
