"""How long the event loop of the window was away at a time: a timer that looks at the clock."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer

BEAT_MS = 5


@dataclass(frozen=True)
class Gap:
    """How late a beat came, and what the window's thread did in the time since the one before.

    `queued_ms` it was ready to run and the system had no processor for it (0 where the system does
    not tell); what is in neither figure it waited, for the interpreter's lock or for a call.
    """

    late_ms: float
    busy_ms: float
    queued_ms: float

    @property
    def blocked_ms(self) -> float:
        """How late the beat was by the program's own doing."""
        return max(self.late_ms - self.queued_ms, 0.0)


class EventLoopWatch(QObject):
    """Beats every 5 ms; a beat that comes late tells that something held the event loop."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._gaps: list[Gap] = []
        self._statistics = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._last = self._clocks_ms()
        self._timer = QTimer(self, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def take(self) -> list[Gap]:
        """Return a gap for every beat since the last time."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def _beat(self) -> None:
        now = self._clocks_ms()
        wall_ms, busy_ms, queued_ms = (a - b for a, b in zip(now, self._last, strict=True))
        self._gaps.append(Gap(max(wall_ms - BEAT_MS, 0.0), busy_ms, queued_ms))
        self._last = now

    def _clocks_ms(self) -> tuple[float, float, float]:
        return time.perf_counter() * 1e3, time.thread_time() * 1e3, self._queued_ms()

    def _queued_ms(self) -> float:
        """Return what Linux counts as waiting for a processor (Documentation/scheduler)."""
        try:
            return int(self._statistics.read_text().split()[1]) / 1e6
        except (OSError, ValueError, IndexError):
            return 0.0
