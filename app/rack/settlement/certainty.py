"""How sure settled answers are: verified, and how, or how much of them was audited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from app.core.audit_outcome import CheckedBy
from app.core.facts import Fact
from app.rack.snapshot import RequestSnapshot


def certainty(requests: Sequence[RequestSnapshot]) -> Fact:
    """Return how all answers were checked; of several the least sure one counts.

    Verified is only what was computed again as a whole.
    """
    match checked_by(requests):
        case CheckedBy.WHOLE_CHECK:
            took_s = sum(request.check_s for request in requests)
            text_s = sum(request.text_s for request in requests)
            return Fact("certainty.checked", time=took_s, share=took_s / max(text_s, 1e-9))
        case CheckedBy.AUDITS:
            return Fact("certainty.verified")
        case CheckedBy.IN_PART:
            audited = sum(request.audited_stages for request in requests)
            stages = sum(request.stages for request in requests)
            return Fact("certainty.audited", audited=audited, stages=stages)
        case how:
            assert_never(how)


def checked_by(requests: Sequence[RequestSnapshot]) -> CheckedBy:
    """Return how far all of several answers were checked."""
    order = list(CheckedBy)
    return max((request.checked_by for request in requests), key=order.index)
