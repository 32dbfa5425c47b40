"""What an audit finds of one receipt."""

from __future__ import annotations

from enum import StrEnum


class AuditOutcome(StrEnum):
    """For the phone, against it, or neither."""

    PASSED = "passed"
    DEVIATES = "deviates"
    """Further off than rounding explains, not far enough to be wrong for certain."""
    FAILED = "failed"
