"""How far simulated phones yield the processor, which real phones never share with their host.

Linux may deal the processor out by sessions first (sched(7), "autogroup"); niceness then counts
only within a session, so that each session needs its own. Only root may say that many times a
second: a session keeps its full share where it cannot be said, or where there is no such thing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def yield_processor(leader: int, niceness: int) -> None:
    """Let a session's leader yield to processes that are less nice by that much than it.

    So does what it starts from now on.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, leader, os.getpriority(os.PRIO_PROCESS, 0) + niceness)
    with suppress(OSError):
        _of_session(leader).write_text(str(niceness))


def yield_alike(leader: int) -> None:
    """Let a session yield to other sessions as far as this process' own does."""
    with suppress(OSError):
        niceness = _of_session(os.getpid()).read_text().split()[-1]
        if niceness != "0":
            _of_session(leader).write_text(niceness)


def _of_session(process_id: int) -> Path:
    return Path(f"/proc/{process_id}/autogroup")
