"""How old a figure may be that is still said as of now, and how old others are."""

from __future__ import annotations

import math
from typing import Final

from app.rack.snapshot import PhoneSnapshot
from app.words.catalogue import tr

STALE_AFTER_S: Final = 2.0
RECENT_S: Final = 5.0
"""How old a step or a token may be that stands for the present."""


def is_stale(phone: PhoneSnapshot, now_s: float) -> bool:
    """Whether the phone's figures are too old to trust; `now_s` is on the axis of `at_s`."""
    return phone.telemetry is not None and now_s - phone.telemetry.heard_at_s > STALE_AFTER_S


def age_text(seconds: float) -> str:
    """Return how long ago something was, in whole seconds, such as `4 s` or `2 min 5 s`."""
    whole = round(max(seconds, 0.0))
    return _minutes(whole) if whole >= 60 else seconds_text(whole)


def time_left_text(seconds: float) -> str:
    """Return a time to wait in whole seconds, such as `9 s` or `2 min 5 s`."""
    return _minutes(round(seconds)) if seconds >= 60 else seconds_text(math.ceil(seconds))


def _minutes(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return tr("{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)


def seconds_text(seconds: int) -> str:
    """Return seconds with their unit, such as `60 s`."""
    return tr("{seconds} s").format(seconds=seconds)
