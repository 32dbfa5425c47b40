"""What a sharp test came to, on its way from the phone to the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from app.core.audit_outcome import SharpOutcome
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.ledger.rules.audits.sharp_tests import SharpRecord
from app.proof.sharp.convincing import Judgement
from app.proof.sharp.verdict import SharpReason, SharpVerdict
from workers.identity.states import states_bytes

_REASONS: Final[Mapping[SharpReason, str]] = {
    SharpReason.HOLDS: "sharp.holds",
    SharpReason.OPERATOR: "sharp.operator",
    SharpReason.ENDS_ELSEWHERE: "sharp.ends_elsewhere",
    SharpReason.CHOSEN_OTHERWISE: "sharp.chosen_otherwise",
    SharpReason.CHOICE_UNSIGNED: "sharp.not_proven",
    SharpReason.OTHER_STATEMENT: "sharp.other_statement",
    SharpReason.OPENED_OTHERWISE: "sharp.opened_otherwise",
    SharpReason.NOT_COVERED: "sharp.not_covered",
}
_NEVER_JUDGED = frozenset({SharpReason.NOT_COVERED, SharpReason.CHOICE_UNSIGNED})
"""Reasons that are why there is no verdict, whatever class the phone is of."""


@dataclass(frozen=True)
class CloseLook:
    """A sharp test of a stage; without a judgement it came to none."""

    serial: Serial
    stage: int
    outcome: SharpOutcome
    reason: Fact
    """Why it came to none; else what the verdict is called."""
    verdict: SharpVerdict | None = None
    judgement: Judgement | None = None
    signature: bytes = b""
    """Of the phone, under its statement."""
    evidence: bytes = b""
    """What the judgement follows from."""

    @classmethod
    def judged(
        cls, serial: Serial, stage: int, judgement: Judgement, signature: bytes, evidence: bytes
    ) -> Self:
        """Return what evidence convinces of; where it is of nothing, none is kept."""
        verdict, outcome = judgement.verdict, judgement.outcome
        reason = Fact(_REASONS[verdict.reason], operator=verdict.operator)
        if outcome is SharpOutcome.UNAVAILABLE and verdict.reason not in _NEVER_JUDGED:
            reason = Fact("sharp.class_not_reproduced")
        if outcome in (SharpOutcome.PASSED, SharpOutcome.FAILED):
            return cls(serial, stage, outcome, reason, verdict, judgement, signature, evidence)
        return cls(serial, stage, outcome, reason, verdict)

    @property
    def digest(self) -> str:
        """The name of its evidence."""
        return hashlib.sha256(self.evidence).hexdigest()

    def record(self, transaction: TransactionId) -> SharpRecord:
        """Return what the journal holds of it."""
        found, verdict = self.judgement, self.verdict
        if found is None or verdict is None:
            return SharpRecord(transaction, self.stage, self.outcome, self.reason.code)
        return SharpRecord(
            transaction,
            self.stage,
            self.outcome,
            verdict.reason.value,
            numerical_class=found.receipt.numerical_class,
            reproduced=found.reproduced,
            statement=states_bytes(found.statement),
            signature=self.signature,
            root=found.statement.states_root,
            evidence=self.digest,
            operator=verdict.operator,
            row=max(verdict.row, 0),
            deviation=min(verdict.deviation, 1e300),
            looked_at=verdict.looked_at,
        )

    def proof(self) -> dict[str, Any]:
        """Return what a slash for it names."""
        verdict = self.verdict
        if verdict is None:
            return {}
        found = {"verdict": verdict.reason.value, "deviation": min(verdict.deviation, 1e300)}
        if verdict.operator:
            found |= {"operator": verdict.operator, "row": verdict.row}
        return {"sharp_test": {**found, "evidence": self.digest}}
