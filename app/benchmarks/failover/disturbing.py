"""What is done to a rack in the middle of a text, from outside of all that is to notice it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Final

import psutil

from app.command_line.rack_session import READY_TIMEOUT_S, RackSession
from app.core.assignment import Assignment
from app.core.errors import ShardloomError
from app.core.identifiers import Serial
from app.rack.commands import Apply, RequestAssignment
from app.rack.home import Home
from app.virtual.limits.processes import PhonePrograms, phone_mark

_WORKER: Final = "workers"


class Interruption(StrEnum):
    """What happens while a text is written."""

    KILL = "SIGKILL"
    STOP = "SIGSTOP"
    MOVE = "move"


@contextmanager
def disturbed(
    session: RackSession, home: Path, disturbance: Interruption, number: int
) -> Iterator[float]:
    """Disturb the rack and yield when that was, monotonic; a stopped worker goes on afterwards.

    Which phone it is goes round by `number`. Raises `ShardloomError` where no worker is found.
    """
    applied = session.newest.applied
    if applied is None:
        raise ShardloomError("layers.none_applied")
    if disturbance is Interruption.MOVE:
        session.control.do(RequestAssignment(_shifted(applied, number))).result(READY_TIMEOUT_S)
        began_s = time.monotonic()
        session.control.do(Apply()).result(READY_TIMEOUT_S)
        yield began_s
        return
    worker = worker_of(home, applied.serials[number % len(applied.serials)])
    stops = disturbance is Interruption.STOP
    began_s = time.monotonic()
    worker.send_signal(signal.SIGSTOP if stops else signal.SIGKILL)
    try:
        yield began_s
    finally:
        with suppress(psutil.Error):
            worker.send_signal(signal.SIGCONT)


def worker_of(home: Path, serial: Serial) -> psutil.Process:
    """Return the process of a virtual phone's worker. Raises `ShardloomError` without one."""
    programs = PhonePrograms(phone_mark(Home(home).started_phones / serial)).scan()
    found = [each for each in programs if any(_WORKER in word for word in _words(each))]
    if not found:
        raise ShardloomError("bench.no_worker", phone=serial)
    return max(found, key=_resident_bytes)


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


def _resident_bytes(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _shifted(applied: Assignment, number: int) -> Assignment:
    """Return the assignment with one of its seams a layer further, either way by turns."""
    steps = (1, -1) if number % 2 else (-1, 1)
    for step in steps:
        for seam, after in enumerate(applied.stages[1:]):
            moved = applied.with_seam(seam, after.first_layer + step)
            if moved != applied:
                return moved
    raise ShardloomError("layers.none_applied")
