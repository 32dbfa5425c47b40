"""What an audit finds of one receipt."""

from __future__ import annotations

from enum import StrEnum


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
