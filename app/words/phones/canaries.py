"""How a phone does what it says that it can."""

from __future__ import annotations

from app.ledger.views.snapshot import PhoneStanding
from app.words.catalogue import tr


def canaries_text(standing: PhoneStanding | None) -> str:
    """Return how many of its last canaries held; `-` before the first."""
    if standing is None or not standing.canaries:
        return "-"
    held = standing.canaries - standing.short_canaries
    return tr("{held} of {count} held").format(held=held, count=standing.canaries)


def claims_text(standing: PhoneStanding) -> str:
    """Return the same with what a step took in the newest."""
    pace = standing.pace
    if pace is None:
        return canaries_text(standing)
    words = tr("{held}, {time:.1f} ms a step of {size:.1f} MB")
    return words.format(
        held=canaries_text(standing), time=pace.step_us / 1000, size=pace.weight_bytes / 1e6
    )
