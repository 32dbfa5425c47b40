"""Ways between two phones that disagreed, which nothing goes by until the operator trusts them.

On record from the sixth format on, so that a rack opened anew knows them too.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, text
from app.ledger.rules.audits.class_reading import check_format
from app.ledger.rules.state import Change, State, TransactionRecord

MOST_NEIGHBOURS: Final = 2
"""With more neighbours than these no honest phone has trouble that others do not have too."""


class DistrustReason(StrEnum):
    """Why nothing goes from one phone to another any more."""

    SIGNED_OTHERWISE = "signed-otherwise"
    """Their receipts differ on what passed between them: for everybody to see, by ring order."""
    ROWS_UNUSABLE = "rows-unusable"
    """One said that it cannot use what the other sent: the host's word."""


def way_distrusted(state: State, _entry: Entry, fields: Fields) -> Change:
    """Note that nothing goes from one phone to another any more; nobody is blamed for it."""
    check_format(state)
    sender, receiver = text(fields, "sender"), text(fields, "receiver")
    attempt = state.transaction(text(fields, "transaction"))
    reason, serials = text(fields, "reason"), [stage.serial for stage in attempt.stages]
    if reason not in list(DistrustReason):
        raise LedgerError("way.unknown_reason", reason=reason)
    if {sender, receiver} - {*serials} or sender == receiver:
        raise LedgerError("way.not_in_ring", transaction=attempt.transaction)
    place = serials.index(sender)
    if serials[(place + 1) % len(serials)] != receiver:
        raise LedgerError("way.not_in_ring", transaction=attempt.transaction)
    closes = place + 1 == len(serials)
    if reason == DistrustReason.SIGNED_OTHERWISE and not closes and not _differ(attempt, place):
        raise LedgerError("way.signed_alike", transaction=attempt.transaction)
    if (sender, receiver) in state.distrusted:
        raise LedgerError("way.distrusted_already", sender=sender, receiver=receiver)
    return Change(distrusted=state.distrusted | {(sender, receiver)})


def ways_trusted(state: State, _entry: Entry, _fields: Fields) -> Change:
    """Trust all ways again: the operator's decision."""
    check_format(state)
    if not state.distrusted:
        raise LedgerError("way.none_distrusted")
    return Change(distrusted=frozenset())


def standing_by(ways: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return those with whom too many different neighbours had trouble; ways as (sender, receiver).

    They get no layers, and nothing else is held against them.
    """
    neighbours: dict[str, set[str]] = defaultdict(set)
    for sender, receiver in ways:
        neighbours[sender].add(receiver)
        neighbours[receiver].add(sender)
    return frozenset(each for each, them in neighbours.items() if len(them) > MOST_NEIGHBOURS)


def _differ(attempt: TransactionRecord, place: int) -> bool:
    """Tell whether a stage's receipt and the next one's are over different tensors."""
    if not {place, place + 1} <= attempt.receipts.keys():
        return False
    sent, came = (json.loads(attempt.receipts[each]) for each in (place, place + 1))
    return bool(sent["output_root"] != came["input_root"])
