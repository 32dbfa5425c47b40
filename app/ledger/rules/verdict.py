"""What the ledger needs of an audit's verdict, and what became of a receipt."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Protocol

from app.core.audit_outcome import AuditOutcome

LARGEST_DEVIATION: Final = 1e300
"""Of a deviation in the journal, whose numbers are finite."""


class ReceiptStatus(StrEnum):
    """What became of a receipt."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    EQUIVOCATION = "equivocation"


class AuditVerdict(Protocol):
    """An audit's verdict; `evidence` holds JSON values."""

    @property
    def transaction(self) -> str:
        """The transaction audited."""
        ...

    @property
    def stage(self) -> int:
        """The stage audited, from 0."""
        ...

    @property
    def serial(self) -> str:
        """The phone that signed."""
        ...

    @property
    def outcome(self) -> AuditOutcome:
        """Whether the receipt stands."""
        ...

    @property
    def method(self) -> str:
        """How it was compared."""
        ...

    @property
    def reason(self) -> str:
        """Why it failed, one line; empty where it passed."""
        ...

    @property
    def first_bad_step(self) -> int | None:
        """The first step that was wrong."""
        ...

    @property
    def first_bad_generated(self) -> int | None:
        """The generated token (from 1) that step was for."""
        ...

    @property
    def deviation(self) -> float:
        """The largest deviation found, in tolerances."""
        ...

    @property
    def verifier(self) -> str:
        """The phone that did the work again; empty where this computer did."""
        ...

    @property
    def evidence(self) -> Mapping[str, Any]:
        """What lets anybody repeat the audit."""
        ...


def verdict_fields(verdict: AuditVerdict) -> dict[str, Any]:
    """Return a verdict as the journal holds it."""
    by_phone = {"verifier": verdict.verifier} if verdict.verifier else {}
    return {
        **by_phone,
        "transaction": verdict.transaction,
        "stage": verdict.stage,
        "serial": verdict.serial,
        "passed": verdict.outcome is AuditOutcome.PASSED,
        "outcome": verdict.outcome.value,
        "method": verdict.method,
        "reason": verdict.reason,
        "first_bad_step": verdict.first_bad_step,
        "first_bad_generated": verdict.first_bad_generated,
        "deviation": _finite(verdict.deviation),
        "evidence": dict(verdict.evidence),
    }


def _finite(deviation: float) -> float:
    """Return what a journal can hold of a deviation; one that is no number is the largest."""
    return max(0.0, min(LARGEST_DEVIATION, deviation))
