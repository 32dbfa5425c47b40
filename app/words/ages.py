"""How old a figure may be that is still said as of now."""

from __future__ import annotations

from typing import Final

from app.rack.snapshot import PhoneSnapshot

STALE_AFTER_S: Final = 2.0
RECENT_S: Final = 5.0
"""How old a step or a token may be that stands for the present."""


def is_stale(phone: PhoneSnapshot, now_s: float) -> bool:
    """Whether the phone's figures are too old to trust; `now_s` is on the axis of `at_s`."""
    return phone.telemetry is not None and now_s - phone.telemetry.heard_at_s > STALE_AFTER_S
