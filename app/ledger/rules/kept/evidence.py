"""How long evidence is kept, and which of it is there no more.

Both stand in the journal, so that nobody takes a host's word for why something cannot be shown.

Evidence that a transaction still needs, because it is under way, disputed or within its evidence
window, is never let go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from app.core.errors import LedgerError
from app.core.identifiers import is_sha256
from app.ledger.entry import Entry, Fields, integer, texts
from app.ledger.rules.deals.deal import DEAL_FORMAT, Deal
from app.ledger.rules.governance.parameters import BOUNDS, Parameter
from app.ledger.rules.kept.evidence_rule import EvidenceRule
from app.ledger.rules.state import Change, State

DAY_S: Final = 86_400
LONGEST_DAYS: Final = 3650
LEAST_BYTES: Final = 64 << 20
MOST_BYTES: Final = 1 << 40
MOST_NAMES: Final = 256
"""Files that one entry tells of."""
_BEFORE_SETTLED_MS: Final = 3_600_000
"""What a settlement rests on was kept shortly before it."""


@dataclass(frozen=True)
class NeededEvidence:
    """What may not be let go now."""

    names: frozenset[str]
    from_ms: int | None
    """Neither may anything kept since then; None where nothing is under way."""


def check_rule(rule: EvidenceRule) -> None:
    """Raise `LedgerError` for a rule out of bounds."""
    if rule.most_days > LONGEST_DAYS or not LEAST_BYTES <= rule.most_bytes <= MOST_BYTES:
        raise LedgerError(
            "evidence.rule_out_of_bounds", days=LONGEST_DAYS, least=LEAST_BYTES, most=MOST_BYTES
        )


def rule_fields(rule: EvidenceRule) -> dict[str, Any]:
    """Return a rule as its entry holds it."""
    return {"most_days": rule.most_days, "most_bytes": rule.most_bytes}


def rule_changed(state: State, _entry: Entry, fields: Fields) -> Change:
    """Keep evidence by another rule from now on: the operator's decision."""
    _check_format(state)
    rule = EvidenceRule(integer(fields, "most_days"), integer(fields, "most_bytes"))
    check_rule(rule)
    return Change(evidence_rule=rule)


def let_go(state: State, entry: Entry, fields: Fields) -> Change:
    """Tell that evidence is there no more, by the rule in force, and none that is needed yet."""
    _check_format(state)
    names = texts(fields, "names")
    if not 0 < len(names) <= MOST_NAMES or len(set(names)) != len(names):
        raise LedgerError("evidence.odd_names", most=MOST_NAMES)
    if not all(map(is_sha256, names)):
        raise LedgerError("evidence.odd_names", most=MOST_NAMES)
    kept_before_ms, needed = integer(fields, "kept_before_ms"), needed_evidence(state)
    late = needed.from_ms is not None and kept_before_ms > needed.from_ms
    if late or kept_before_ms > entry.wall_ms or not needed.names.isdisjoint(names):
        raise LedgerError("evidence.needed_yet")
    return Change()


def needed_evidence(state: State) -> NeededEvidence:
    """Return what transactions that are not over may still have to show."""
    names: set[str] = set()
    from_ms: int | None = None
    for attempt in state.transactions.at_work():
        for agreed in attempt.agreed[:1]:
            names |= {agreed.terms.request, agreed.terms.model}
        if attempt.deal is not None:
            began_ms = _began_ms(attempt.deal)
            from_ms = began_ms if from_ms is None else min(from_ms, began_ms)
    return NeededEvidence(frozenset(names), from_ms)


def _began_ms(deal: Deal) -> int:
    """Return a moment before which nothing was kept for a transaction but what it names."""
    if deal.release_from_ms is not None:
        return deal.release_from_ms - deal.window_s * 1000 - _BEFORE_SETTLED_MS
    return deal.commit_by_ms - BOUNDS[Parameter.COMMIT_WITHIN_S].most * 1000


def _check_format(state: State) -> None:
    if state.format < DEAL_FORMAT:
        raise LedgerError("evidence.earlier_format", format=state.format)
