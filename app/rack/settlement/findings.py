"""What a phone must answer for after an audit, by the penalty table, and who signed nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, assert_never

from app.core.audit_outcome import SharpOutcome
from app.core.device import DeviceState
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.pipeline.attempt import Attempt
from app.proof.case import AuditReason, Verdict
from app.rack.phones.phone import Phone
from app.rack.settlement.concluded import Finding
from app.rack.settlement.sharp.close_look import CloseLook
from workers.identity.receipts import ReceiptBody

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


def absent_stages(attempt: Attempt, phones: Mapping[Serial, Phone]) -> frozenset[Serial]:
    """Return the stages that cannot be asked for anything now."""
    return frozenset(
        stage.serial
        for stage in attempt.stages
        if phones[stage.serial].state is DeviceState.LOST or stage.client.lost
    )


def unsigned_stages(
    attempt: Attempt,
    bodies: Mapping[Serial, ReceiptBody],
    phones: Mapping[Serial, Phone],
    absent: Collection[Serial],
) -> dict[Serial, Fact]:
    """Return the stages that still answer but gave no receipt that holds.

    Those that were `absent` when they were to be asked gave none for that.
    """
    return {
        stage.serial: Fact("offence.did_not_sign")
        for stage in attempt.stages
        if attempt.answers
        and stage.serial not in bodies
        and stage.serial not in absent
        and phones[stage.serial].state is not DeviceState.LOST
        and not stage.client.lost
    }
