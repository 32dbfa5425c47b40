"""Holding a phone's programs to what heat and sleep leave them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Container

import psutil

from app.core.vitals import Doze
from app.virtual.limits.duty_cycle import DutyCycle
from app.virtual.limits.limits import LimitsInForce
from app.virtual.limits.processes import PhonePrograms


class Governor:
    """Changes the processor's share, and stops background programs in deep doze.

    Background is every program whose session no computer attends to: a worker, not a command.
    """

    def __init__(
        self,
        limits: LimitsInForce,
        cycle: DutyCycle | None,
        share: float | None,
        programs: PhonePrograms,
        attended: Callable[[], Container[int]],
    ) -> None:
        """`share` is the processor's without heat; `attended` gives the sessions in use."""
        self._limits = limits
        self._cycle = cycle
        self._full_share = share
        self._share = share
        self._programs = programs
        self._attended = attended
        self._stopped: set[int] = set()

    def apply(self, processor_share: float, doze: Doze) -> None:
        """Hold the programs to that share of their processor, and to that sleep."""
        if self._full_share is not None:
            self._limit(self._full_share * processor_share)
        if doze is Doze.DEEP:
            self._stop_background()
        elif self._stopped:
            self.wake()

    def wake(self) -> None:
        """Let every program go on that was stopped."""
        for process in self._programs.recent():
            if process.pid in self._stopped:
                _send(process, signal.SIGCONT)
        self._stopped.clear()

    def _limit(self, share: float) -> None:
        if share == self._share:
            return
        self._share = share
        if self._cycle is not None:
            self._cycle.share = share
        elif self._limits.processor is not None:
            self._limits.processor.set_share(share)

    def _stop_background(self) -> None:
        attended = self._attended()
        for process in self._programs.recent():
            if _session(process.pid) not in attended:
                _send(process, signal.SIGSTOP)
                self._stopped.add(process.pid)


def _session(process_id: int) -> int:
    try:
        return os.getsid(process_id)
    except OSError:
        return 0


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return
