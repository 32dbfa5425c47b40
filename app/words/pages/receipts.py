"""What phones keep of receipts beside the journal, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.core.facts import Fact
from app.ledger.views.discrepancy_rows import ContradictionRow, Discrepancies
from app.words.catalogue import Message, message, tr
from app.words.sentences import fact_text

_KINDS: Final[Mapping[str, Message]] = {
    "receipt": message("two receipts"),
    "head": message("two heads of the journal"),
    "list": message("two lists of phones"),
}


def discrepancy_facts(found: Discrepancies) -> tuple[Fact, ...]:
    """Return what is to be said of a comparison, one thing after another."""
    told = [
        Fact("replicas.asked", phones=len(found.asked), silent=len(found.silent)),
        Fact("replicas.stored", receipts=found.receipts, stored=found.stored, thin=found.thin),
    ]
    counts = {
        "replicas.surplus": found.only_phones_count,
        "replicas.missing": found.only_journal_count,
        "replicas.older": found.older,
        "replicas.unreadable": found.unreadable,
    }
    told += [Fact(code, count=count) for code, count in counts.items() if count]
    lies = map(contradiction_fact, found.contradictions)
    return (*told, *lies, *([Fact("replicas.even")] if found.even else []))


def discrepancies_text(found: Discrepancies) -> str:
    """Return the same, a line each."""
    return "\n".join(map(fact_text, discrepancy_facts(found)))


def contradiction_fact(row: ContradictionRow) -> Fact:
    """Return who contradicted itself."""
    if row.serial:
        return Fact("replicas.phone_lied", phone=row.serial)
    return Fact("replicas.host_lied", number=row.number)


def contradiction_word(row: ContradictionRow) -> str:
    """Return what contradicts itself."""
    return tr(_KINDS[row.kind])
