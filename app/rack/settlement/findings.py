"""What a phone must answer for after an audit, and under which entry of the penalty table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from app.core.audit_outcome import SharpOutcome
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.proof.case import AuditReason, Verdict
from app.rack.settlement.concluded import Finding
from app.rack.settlement.sharp.close_look import CloseLook

SHOWN_OTHERWISE: Final = frozenset(
    {
        AuditReason.OUTPUTS_DISOWNED,
        AuditReason.GROUNDS_DISOWNED,
        AuditReason.INPUTS_DISOWNED,
        AuditReason.INPUTS_UNUSABLE,
        AuditReason.OTHER_SHARD,
    }
)
"""What is no matter of numbers: nothing that the phone signed shows it to anybody but the host."""
WRONG_OUTPUT: Final = "wrong-output"
"""The penalty for what a sharp test convicts of."""


def found_by_audit(reason: AuditReason) -> Fact:
    """Return what a phone did."""
    match reason:
        case AuditReason.NONE:
            return Fact("audit.nothing_wrong")
        case AuditReason.WRONG_OUTPUT:
            return Fact("audit.wrong_output")
        case AuditReason.DEVIATES:
            return Fact("audit.deviates")
        case AuditReason.GROUNDS_DISOWNED:
            return Fact("audit.grounds_disowned")
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


def findings_of(verdicts: Sequence[Verdict], looks: Sequence[CloseLook]) -> list[Finding]:
    """Return who has to answer for what: with its stake only whom a sharp test convicts.

    Who failed an audit and was not cleared is kept from work; so is who would not run it again.
    """
    evidence = {verdict.serial: verdict.evidence for verdict in verdicts}
    found: dict[Serial, Finding] = {}
    for verdict in verdicts:
        if verdict.failed:
            serial = Serial(verdict.serial)
            found[serial] = Finding(serial, found_by_audit(verdict.reason), None, {})
    for look in looks:
        match look.outcome:
            case SharpOutcome.PASSED:
                found.pop(look.serial, None)
            case SharpOutcome.FAILED:
                proof = {**evidence.get(look.serial, {}), **look.proof()}
                reason = Fact("audit.wrong_output")
                found[look.serial] = Finding(look.serial, reason, WRONG_OUTPUT, proof)
            case SharpOutcome.REFUSED if look.serial not in found:
                reason = Fact("offence.would_not_run_again")
                found[look.serial] = Finding(look.serial, reason, None, {})
    return list(found.values())
