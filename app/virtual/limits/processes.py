"""Every process of a phone, found by its surroundings: counted, stopped and ended together."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import psutil

ROOT_FOLDER = "rootfs"
"""Where a phone's own files lie, below its folder."""
MARK_VARIABLE = "ANDROID_ROOT"
"""Environment variable that is different for every phone and inherited by all its programs."""

_RESCAN_S = 2.0
_RELOOK_S = 0.2
_KILL_ROUNDS = 3
"""A program may start another while it is being ended."""

_KILLED_WITHIN_S = 5.0
"""How long the system may take to end a program it was told to kill: it has others to run."""

_LOOK_AGAIN_S = 0.01


class PhonePrograms:
    """Every process of one phone, whoever started it and wherever its parent went.

    A process that adopts its orphans may give its own id as the `ancestor`: where the kernel lists
    children, its programs are then found without a look at every process of the machine.
    """

    def __init__(self, mark: str, ancestor: int | None = None) -> None:
        self._mark = mark
        self._ancestor = ancestor if ancestor and _lists_children(ancestor) else None
        self._found: tuple[psutil.Process, ...] = ()
        self._scanned_s = float("-inf")

    def resident_bytes(self) -> int:
        """Return their resident memory together."""
        total = 0
        for process in self.recent():
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def cpu_seconds(self) -> dict[int, float]:
        """Return the processor time each has used, by process id."""
        used = {}
        for process in self.recent():
            with suppress(psutil.Error):
                times = process.cpu_times()
                used[process.pid] = times.user + times.system
        return used

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of them."""
        _send(self.recent(), number)

    def end(self, grace_s: float = 1.0) -> None:
        """End all of them: politely first, then by force. Blocks until they are gone."""
        found = self.scan()
        _send(found, signal.SIGCONT)
        _send(found, signal.SIGTERM)
        _wait_for_end(found, grace_s)
        for _ in range(_KILL_ROUNDS):
            left = self.scan()
            if not left:
                break
            _send(left, signal.SIGKILL)
            _wait_for_end(left, _KILLED_WITHIN_S)
        _wait_for_end(found, _KILLED_WITHIN_S)

    def scan(self) -> tuple[psutil.Process, ...]:
        """Look for them now, among all processes of this user."""
        everything = (self._ours(pid) for pid in psutil.pids() if pid != os.getpid())
        self._found = tuple(process for process in everything if process is not None)
        self._scanned_s = time.monotonic()
        return self._found

    def recent(self) -> tuple[psutil.Process, ...]:
        """Return those found a moment ago."""
        age_s = time.monotonic() - self._scanned_s
        if self._ancestor is None:
            return self.scan() if age_s > _RESCAN_S else self._found
        if age_s > _RELOOK_S:
            known = {process.pid: process for process in self._found}
            found = (_process(pid, known) for pid in _descendants(self._ancestor))
            self._found = tuple(process for process in found if process is not None)
            self._scanned_s = time.monotonic()
        return self._found

    def _ours(self, process_id: int) -> psutil.Process | None:
        """Return the process where it has our mark.

        Made anew: psutil keeps those it has iterated over, and a number may be another's by now,
        which then gets no signal.
        """
        try:
            process = psutil.Process(process_id)
            return process if process.environ().get(MARK_VARIABLE) == self._mark else None
        except (psutil.Error, OSError):
            return None


class ProcessorMeter:
    """Processor time of all programs that were ever seen: it never falls when one ends."""

    def __init__(self, programs: PhonePrograms) -> None:
        self._programs = programs
        self._last_s: dict[int, float] = {}
        self._total_s = 0.0

    def used_s(self) -> float:
        """Return the seconds used until now."""
        now_s = self._programs.cpu_seconds()
        self._total_s += sum(
            max(seconds - self._last_s.get(process_id, 0.0), 0.0)
            for process_id, seconds in now_s.items()
        )
        self._last_s = now_s
        return self._total_s


def _send(processes: Collection[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)


def _wait_for_end(processes: Collection[psutil.Process], timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not all(map(_has_ended, processes)) and time.monotonic() < deadline_s:
        time.sleep(_LOOK_AGAIN_S)


def _has_ended(process: psutil.Process) -> bool:
    """Return whether it does nothing any more; its parent need not have taken note of that."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _lists_children(process_id: int) -> bool:
    return Path(f"/proc/{process_id}/task/{process_id}/children").exists()


def _descendants(ancestor: int) -> list[int]:
    found: list[int] = []
    parents = [ancestor]
    while parents:
        children = _children(parents.pop())
        found += children
        parents += children
    return found


def _children(process_id: int) -> list[int]:
    """Return a process' children, whichever of its threads started them."""
    children: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{process_id}/task"):  # noqa: PTH208 - many times a second
            with open(f"/proc/{process_id}/task/{thread}/children", "rb") as file:  # noqa: PTH123 - same
                children += map(int, file.read().split())
    return children


def _process(process_id: int, known: dict[int, psutil.Process]) -> psutil.Process | None:
    """Return the process, the same object as before where it still is the same process."""
    process = known.get(process_id)
    try:
        return process if process and process.is_running() else psutil.Process(process_id)
    except psutil.Error:
        return None


def phone_mark(folder: Path) -> str:
    """Return what marks every program of the phone in that folder (see `MARK_VARIABLE`)."""
    return str((folder / ROOT_FOLDER).resolve() / "system")
