"""How a process bounds itself, where the system lets it: Linux and macOS do, Windows does not.

There the clock and the length of the text are the bounds, and memory has none.
"""

from __future__ import annotations

import signal

from app.models.chat.rendering.bounds import Bounds

try:
    import resource
except ImportError:  # not on every system
    _BOUNDS_ITSELF = False
else:
    _BOUNDS_ITSELF = True

SPENT_SIGNAL: int | None = getattr(signal, "SIGXCPU", None)
"""What the system ends a process with that has used up its processor time; None where none does."""


def keep_within(bounds: Bounds) -> None:
    """Lower this process's own limits to the bounds; the hard ones stay."""
    if not _BOUNDS_ITSELF:
        return
    for limit, wanted in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, bounds.processor_s),
        (resource.RLIMIT_AS, bounds.memory_bytes),
    ):
        _soft, hard = resource.getrlimit(limit)
        lowest = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(limit, (lowest, hard))
