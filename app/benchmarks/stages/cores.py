"""Which core a stage of a measured ring has to itself."""

from __future__ import annotations

import os


def core_of(stage: int) -> int:
    """Return the core of a stage, by turns among those this process may use."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[stage % len(cores)]
