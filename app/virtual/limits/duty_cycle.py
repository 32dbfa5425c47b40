"""Holding programs to a share of a core by stopping them for a while, where groups cannot."""

from __future__ import annotations

import asyncio
import signal

from app.virtual.limits.processes import PhonePrograms

_TICK_S = 0.02
_BURST_S = 0.04
"""Unused time that may be saved up."""

_LONGEST_STOP_S = 1.0
"""What was used while this process itself stood still is not paid for by a longer silence."""


class DutyCycle:
    """Measures what a phone's programs use and stops them while they are ahead of their share."""

    def __init__(self, programs: PhonePrograms, share: float) -> None:
        self._programs = programs
        self.share = share
        self._used_s: dict[int, float] = {}
        self._credit_s = _BURST_S
        self._are_stopped = False

    async def run(self) -> None:
        """Go on until cancelled; programs are left running."""
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        try:
            while True:
                await asyncio.sleep(_TICK_S)
                now_s = loop.time()
                self._settle(now_s - before_s)
                before_s = now_s
        finally:
            self._programs.signal(signal.SIGCONT)

    def _settle(self, elapsed_s: float) -> None:
        used_s = self._programs.cpu_seconds()
        spent_s = sum(seconds - self._used_s.get(key, 0.0) for key, seconds in used_s.items())
        self._used_s = used_s
        credit_s = min(self._credit_s + elapsed_s * self.share - spent_s, _BURST_S)
        self._credit_s = max(credit_s, -_LONGEST_STOP_S * self.share)
        if self._credit_s < 0 or self._are_stopped:
            self._are_stopped = self._credit_s < 0
            self._programs.signal(signal.SIGSTOP if self._are_stopped else signal.SIGCONT)
