"""What a phone must answer for after an audit, and under which entry of the penalty table."""

from __future__ import annotations

from typing import assert_never

from app.core.facts import Fact
from app.core.identifiers import Serial
from app.proof.case import AuditReason, Verdict
from app.rack.settlement.concluded import Finding


def offence_of(reason: AuditReason) -> str | None:
    """Return a failed audit's entry in the penalty table; None for one that costs no stake."""
    match reason:
        case AuditReason.WRONG_OUTPUT:
            return "wrong-output"
        case AuditReason.OUTPUTS_DISOWNED | AuditReason.INPUTS_DISOWNED | AuditReason.OTHER_SHARD:
            return "forged-root"
        case (
            AuditReason.NONE
            | AuditReason.INPUTS_UNUSABLE
            | AuditReason.DEVIATES
            | AuditReason.NEEDS_OUTPUTS
        ):
            return None
        case _:
            assert_never(reason)


def found_by_audit(reason: AuditReason) -> Fact:
    """Return what a phone did."""
    match reason:
        case AuditReason.NONE:
            return Fact("audit.nothing_wrong")
        case AuditReason.WRONG_OUTPUT:
            return Fact("audit.wrong_output")
        case AuditReason.DEVIATES:
            return Fact("audit.deviates")
        case AuditReason.OUTPUTS_DISOWNED:
            return Fact("audit.outputs_disowned")
        case AuditReason.INPUTS_DISOWNED:
            return Fact("audit.inputs_disowned")
        case AuditReason.INPUTS_UNUSABLE:
            return Fact("audit.inputs_unusable")
        case AuditReason.OTHER_SHARD:
            return Fact("audit.other_shard")
        case AuditReason.NEEDS_OUTPUTS:
            return Fact("audit.needs_outputs")
        case _:
            assert_never(reason)


def failed_audit(verdict: Verdict) -> Finding:
    """Return what an audit that failed found."""
    offence, found = offence_of(verdict.reason), found_by_audit(verdict.reason)
    return Finding(Serial(verdict.serial), found, offence, verdict.evidence)


def disagrees(serial: Serial) -> Finding:
    """Return that a phone signed for something else than its neighbour."""
    return Finding(serial, Fact("offence.disagrees"), None, {})
