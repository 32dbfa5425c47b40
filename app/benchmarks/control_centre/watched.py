"""The control centre on a recorded stream, in a process of its own: STREAM SPAN SECONDS HOME.

Prints one JSON object: see `app.benchmarks.control_centre.frames`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil

from app.benchmarks.control_centre.frames import Frames
from app.benchmarks.control_centre.wall_stream import (
    BEGIN_S,
    HISTORY_S,
    PHONES,
    stage_ms_at,
    wall_serial,
)
from app.command_line.output.terminal import print_json
from app.rack.replay.replayed_rack import ReplayedRack
from app.rack.snapshot import History, Metric, RackSnapshot, Window
from app.telemetry.history import HistoryStore
from app.ui.application import run
from app.ui.charts.span import LookBack
from app.ui.settings import Settings
from app.ui.window.event_loop_watch import EventLoopWatch
from app.ui.window.main_window import MainWindow

SIZE = (1600, 1000)
SETTLE_S = 3.0
"""Pictures before it fill the window for the first time, and are not counted."""


class RackWithPast(ReplayedRack):
    """A replayed rack that has ten minutes behind it as it begins."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._past = HistoryStore()
        for second in range(int(HISTORY_S)):
            at_s = BEGIN_S - HISTORY_S + second
            for position in range(1, PHONES + 1):
                value = stage_ms_at(position, at_s)
                self._past.record(wall_serial(position), Metric.STAGE_MS, at_s, value)

    def history(self, metric: Metric, window: Window) -> History:
        """Return what lies behind, and what was played since."""
        for serial, points in self.samples().items():
            self._past.record(serial, Metric.STAGE_MS, points[-1].at_s, points[-1].stage_ms)
        return self._past.points(metric, window, self.snapshot().at_s)


class FrameObserver:
    """Counts what the window's thread computes for each picture, until the time is over."""

    def __init__(self, window: MainWindow, seconds: float, began_s: float) -> None:
        self._window, self._seconds = window, seconds
        self._process = psutil.Process()
        self._watch: EventLoopWatch | None = None
        self._counted_from_s = 0.0
        self._before_ms = 0.0
        self._painted_s = 0.0
        self._frames_ms: list[float] = []
        self._memory_bytes: list[int] = []
        window.resize(*SIZE)
        window.painted.connect(lambda: self._note_painted(began_s))
        window.link.snapshot_changed.connect(self._see)

    def _note_painted(self, began_s: float) -> None:
        self._painted_s = time.time() - began_s

    def _see(self, _snapshot: RackSnapshot) -> None:
        now_s, busy_ms = time.perf_counter(), time.thread_time() * 1e3
        if not self._window.latency_slot.filled:
            return
        if self._counted_from_s == 0.0:
            self._counted_from_s = now_s + SETTLE_S
        elif now_s >= self._counted_from_s and self._watch is None:
            self._watch = EventLoopWatch(self._window)
        elif self._watch is not None:
            self._frames_ms.append(busy_ms - self._before_ms)
            if now_s - self._counted_from_s > len(self._memory_bytes):  # once a second
                self._memory_bytes.append(self._process.memory_info().rss)
        self._before_ms = busy_ms
        if self._watch is not None and now_s >= self._counted_from_s + self._seconds:
            self._tell(self._watch)

    def _tell(self, watch: EventLoopWatch) -> None:
        self._watch = None
        self._window.link.snapshot_changed.disconnect(self._see)
        gaps = watch.take()
        frames = Frames(
            painted_s=self._painted_s,
            frames_ms=self._frames_ms,
            blocked_ms=[gap.blocked_ms for gap in gaps],
            busy_ms=[gap.busy_ms for gap in gaps],
            memory_bytes=self._memory_bytes,
        )
        print_json(frames.as_record())
        self._window.close()


def main(stream: Path, span: LookBack, seconds: float, home: Path) -> int:
    """Open the window on a stream; return its exit status."""
    began_s = psutil.Process().create_time()
    settings = Settings(home / "window.ini")
    settings.start_demo = False
    settings.choose("span", span.name)
    observers: list[FrameObserver] = []
    return run(
        lambda: RackWithPast(stream),
        home / "window.ini",
        accompany=lambda window: observers.append(FrameObserver(window, seconds, began_s)),
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), LookBack[sys.argv[2]], float(sys.argv[3]), Path(sys.argv[4])))
