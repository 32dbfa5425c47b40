"""How sure a settled answer is: verified, or how much of it was audited."""

from __future__ import annotations

from app.core.facts import Fact


def certainty(audited_stages: int, stages: int, *, verified: bool) -> Fact:
    """Return that it is verified only where everything was computed again, else what was audited.

    The counts are of `RequestSnapshot`, or sums over several.
    """
    if verified:
        return Fact("certainty.verified")
    return Fact("certainty.audited", audited=audited_stages, stages=stages)
