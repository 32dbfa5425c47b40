"""How sure a settled answer is, in words: verified, or how much of it was audited."""

from __future__ import annotations


def certainty(audited_stages: int, stages: int, *, verified: bool) -> str:
    """Return `verified` only where everything was computed again, else what was audited.

    The counts are of `RequestSnapshot`, or sums over several.
    """
    return "verified" if verified else f"settled, {audited_stages} of {stages} stages audited"
