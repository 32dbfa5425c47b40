"""The emergency stop: openings, payments and executions rest, evidence and slashes go on.

The operator stops at once, for a bounded time, and not again before it has been over for as long as
it lasted; keepers of a third of all votes stop by their signatures, also right after. Whoever
ordered a stop may end it, keepers also one of the operator's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, integer, records, text
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.governance.public_economy import EmergencyStop
from app.ledger.rules.governance.statement import SignedStatement
from app.ledger.rules.stakes.keepers import check_format
from app.ledger.rules.stakes.standing import weights
from app.ledger.rules.state import Change, State

STOP: Final = "stop"
RESUME: Final = "resume"
STATEMENT_FIELDS: Final = ("until_ms",)


def stopped(state: State, entry: Entry, fields: Fields) -> Change:
    """Begin a stop until a moment."""
    check_format(state)
    until_ms, before = integer(fields, "until_ms"), state.economy.stop
    text(fields, "reason")
    most_ms = state.economy.value(Parameter.STOP_AT_MOST_S) * 1000
    if not entry.wall_ms < until_ms <= entry.wall_ms + most_ms:
        raise LedgerError("governance.odd_stop", most_s=most_ms // 1000)
    if state.economy.stopped_at(entry.wall_ms):
        raise LedgerError("governance.stopped")
    by_votes = _ordered(state, fields, STOP, until_ms)
    if by_votes and before is not None and until_ms <= before.ordered_until_ms:
        raise LedgerError("governance.other_order")
    if not by_votes and before is not None:
        rest_until_ms = before.until_ms + (before.until_ms - before.since_ms)
        if entry.wall_ms < rest_until_ms:
            raise LedgerError("governance.stopped_lately")
    ordered_ms = max(before.ordered_until_ms if before else 0, until_ms if by_votes else 0)
    stop = EmergencyStop(entry.wall_ms, until_ms, ordered_ms, by_votes=by_votes)
    return Change(economy=replace(state.economy, stop=stop))


def resumed(state: State, entry: Entry, fields: Fields) -> Change:
    """End a stop before its time."""
    check_format(state)
    stop = state.economy.stop
    if stop is None or not state.economy.stopped_at(entry.wall_ms):
        raise LedgerError("governance.not_stopped")
    if not _ordered(state, fields, RESUME, stop.until_ms) and stop.by_votes:
        raise LedgerError("governance.stopped_by_votes")
    stop = replace(stop, until_ms=entry.wall_ms)
    return Change(economy=replace(state.economy, stop=stop))


def _ordered(state: State, fields: Fields, kind: str, until_ms: int) -> bool:
    """Tell whether keepers ordered it; the operator does where there is no order.

    Raises `LedgerError` where those who signed have less than a third of all votes.
    """
    if "orders" not in fields:
        return False
    can_vote, signers = weights(state), set[str]()
    for row in records(fields, "orders"):
        signed = SignedStatement.from_fields(row)
        said = signed.read(kind, state.host_key, STATEMENT_FIELDS)
        if integer(said, "until_ms") != until_ms:
            raise LedgerError("governance.other_order")
        signers.add(signed.keeper.hex())
    behind = sum(can_vote.get(each, 0) for each in signers)
    if not behind or 3 * behind < sum(can_vote.values()):
        raise LedgerError("governance.too_few_votes")
    return True
