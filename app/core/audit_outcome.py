"""How answers are checked, how far one was, and what an audit finds of one receipt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckMode(StrEnum):
    """Whether this computer checks every token of each text."""

    OFF = "off"
    AUTO = "auto"
    """Where that takes little of the time that the text took, and always on simulated phones."""
    ON = "on"


class CheckedBy(StrEnum):
    """How far a settled answer was checked."""

    WHOLE_CHECK = "whole-check"
    """This computer checked every token."""
    AUDITS = "audits"
    """Every stage was audited over all of it, or all of it was run again step by step."""
    IN_PART = "in-part"
    """The stages that were audited, if any."""


@dataclass(frozen=True)
class ChecksSnapshot:
    """How answers are checked, what that costs, and how little would be too little."""

    audit_rate: float = 0.0
    """Share of receipts audited, 0 to 1."""
    mode: CheckMode = CheckMode.AUTO
    cost_share: float | None = None
    """What checking the newest text took, as a share of what the text took; None of none."""
    least_safe_rate: float | None = None
    """The audit rate above which honest work pays better here, 1 where none is high enough; None
    where nothing was computed yet."""
    verifiers: bool = False
    """Whether idle phones audit others of their class."""


class AuditOutcome(StrEnum):
    """For the phone, against it, or neither."""

    PASSED = "passed"
    DEVIATES = "deviates"
    """Further off than rounding explains, not far enough to be wrong for certain."""
    FAILED = "failed"


class DutyOutcome(StrEnum):
    """Why an audit that was due has no verdict."""

    REFUSED = "refused"
    """The phone answered and did not show what it had computed with."""
    UNAVAILABLE = "unavailable"
    """Nothing was left to audit: the phone or this computer went away, or too little was kept."""


class SharpOutcome(StrEnum):
    """What came of running a stage again with its insides in view."""

    PASSED = "passed"
    FAILED = "failed"
    """By evidence that convinces anybody: it signed for numbers that no honest phone has."""
    REFUSED = "refused"
    """The phone answered, and showed nothing or something else than what it had signed for."""
    UNAVAILABLE = "unavailable"
    """It could not be made: the phone went away, or what it runs cannot be judged so."""


@dataclass(frozen=True)
class ProvenFault:
    """What evidence convicts of, whoever judges it: which stage of which transaction was wrong."""

    transaction: str
    stage: int
    serial: str
    public_key: bytes
    reason: str
    """By its name: an operator, or the end."""
    operator: str
    row: int
    root: str
    """Of the states that the phone signed for."""
