"""Every process of a phone, found by its surroundings: counted, stopped and ended together."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import psutil

MARK_VARIABLE = "ANDROID_ROOT"
"""Environment variable that is different for every phone and inherited by all its programs."""

_RESCAN_S = 2.0
_KILL_ROUNDS = 3
"""A program may start another while it is being ended."""


class PhonePrograms:
    """Every process of one phone, whoever started it and wherever its parent went."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._found: tuple[psutil.Process, ...] = ()
        self._scanned_s = float("-inf")

    def resident_bytes(self) -> int:
        """Return their resident memory together."""
        total = 0
        for process in self._recent():
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def cpu_seconds(self) -> dict[int, float]:
        """Return the processor time each has used, by process id."""
        used = {}
        for process in self._recent():
            with suppress(psutil.Error):
                times = process.cpu_times()
                used[process.pid] = times.user + times.system
        return used

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of them."""
        for process in self._recent():
            with suppress(psutil.Error):
                process.send_signal(number)

    def end(self, grace_s: float = 1.0) -> None:
        """End all of them: politely first, then by force. Blocks for little more than the grace."""
        found = self.scan()
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        psutil.wait_procs(found, timeout=grace_s)
        for _ in range(_KILL_ROUNDS):
            if not self.scan():
                return
            self.signal(signal.SIGKILL)
            psutil.wait_procs(self._found, timeout=grace_s)

    def scan(self) -> tuple[psutil.Process, ...]:
        """Look for them now, among all processes of this user."""
        self._found = tuple(
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid() and self._is_ours(process)
        )
        self._scanned_s = time.monotonic()
        return self._found

    def _recent(self) -> tuple[psutil.Process, ...]:
        if time.monotonic() - self._scanned_s > _RESCAN_S:
            self.scan()
        return self._found

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            is_marked: bool = process.environ().get(MARK_VARIABLE) == self._mark
        except (psutil.Error, OSError):
            return False
        return is_marked
