"""What only time brings to a ledger: each part by itself, so that one that fails stops no other."""

from __future__ import annotations

import logging
from typing import Final

from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.ledger.desks.deals import DealDesk
from app.ledger.desks.evidence import EvidenceDesk
from app.ledger.desks.governance import GovernanceDesk
from app.ledger.desks.recorder import EntryRecorder
from app.ledger.desks.stakes import StakeDesk

_log = logging.getLogger("shardloom.ledger")

_FAILED: Final = {
    "deals": "ledger.due_deals_failed",
    "stakes": "ledger.due_stakes_failed",
    "governance": "ledger.due_governance_failed",
    "evidence": "ledger.due_evidence_failed",
}


class Upkeep:
    """Does what is due in each part of a ledger. Used from the ledger's thread."""

    def __init__(
        self,
        recorder: EntryRecorder,
        deals: DealDesk,
        stakes: StakeDesk,
        governance: GovernanceDesk,
        evidence: EvidenceDesk,
    ) -> None:
        """Take the desks whose parts they are."""
        self._recorder = recorder
        self._parts = {
            "deals": deals.release_due,
            "stakes": stakes.end_unbonding,
            "governance": governance.decide_due,
            "evidence": evidence.look,
        }
        self._failing: dict[str, str] = {}
        """What was said last of parts that fail."""

    def look(self) -> dict[str, Fact]:
        """Release payments, pay withdrawals, count votes and let evidence go, where due.

        Return by part what could not be done: nothing of that part counts. It is logged once, until
        the part is done again or fails in another way. Raises `LedgerError` where nothing can be
        written at all.
        """
        failed: dict[str, Fact] = {}
        with self._recorder.atomic():
            for name, look in self._parts.items():
                try:
                    with self._recorder.atomic():
                        look()
                except Exception as error:  # noqa: BLE001 - the other parts are not to wait
                    failed[name] = self._failure(name, error)
                else:
                    self._failing.pop(name, None)
        return failed

    def _failure(self, name: str, error: Exception) -> Fact:
        if self._failing.get(name) != repr(error):
            _log.error("what is due of %s is not done", name, exc_info=error)
        self._failing[name] = repr(error)
        reason = error.fact if isinstance(error, ShardloomError) else repr(error)
        return Fact(_FAILED[name], reason=reason)
