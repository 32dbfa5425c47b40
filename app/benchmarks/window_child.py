"""The control centre in a process of its own, its event loop watched: RACK HOME.

Prints one JSON object once the rack is ready and has been so for a while: see `WindowFigures`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from app.benchmarks.window import READY_FOR_S, WindowFigures
from app.command_line.output.terminal import print_json
from app.core.device import DeviceState
from app.rack.control import RackControl
from app.rack.options import RackOptions
from app.rack.snapshot import Phase, RackSnapshot
from app.ui.application import run
from app.ui.window.event_loop_watch import EventLoopWatch
from app.ui.window.main_window import MainWindow
from app.words.sentences import facts_text

_UNSETTLED = frozenset({DeviceState.FOUND, DeviceState.UNAUTHORIZED, DeviceState.PREPARING})


class Observer:
    """Follows a window until its rack has been ready for `READY_FOR_S`, then closes it."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._loop_watch: EventLoopWatch | None = None
        self._opened_s = 0.0
        self._found_s: float | None = None
        self._ready_s: float | None = None
        window.link.opened.connect(self._open)
        window.link.snapshot_changed.connect(self._see)

    def _open(self) -> None:
        self._opened_s = time.perf_counter()
        self._loop_watch = EventLoopWatch(self._window)

    def _see(self, snapshot: RackSnapshot) -> None:
        elapsed_s = time.perf_counter() - self._opened_s
        if snapshot.phase is Phase.FAILED:
            sys.stderr.write(f"{facts_text(snapshot.notices)}\n")
            self._window.close()
        if snapshot.phones and self._found_s is None:
            self._found_s = elapsed_s
        unsettled = any(phone.state in _UNSETTLED for phone in snapshot.phones)
        if snapshot.phase in {Phase.READY, Phase.DEGRADED} and not unsettled:
            self._ready_s = elapsed_s if self._ready_s is None else self._ready_s
            if elapsed_s - self._ready_s > READY_FOR_S:
                self._tell(snapshot)

    def _tell(self, snapshot: RackSnapshot) -> None:
        loop_watch, self._loop_watch = self._loop_watch, None
        if loop_watch is None:
            return
        gaps = loop_watch.take()
        prepared = sum(phone.state is not DeviceState.LOST for phone in snapshot.phones)
        figures = WindowFigures(
            phones=len(snapshot.phones),
            prepared=prepared,
            found_s=self._found_s or 0.0,
            ready_s=self._ready_s or 0.0,
            beats=len(gaps),
            late_ms=[gap.late_ms for gap in gaps],
            blocked_ms=[gap.blocked_ms for gap in gaps],
            busy_ms=[gap.busy_ms for gap in gaps],
        )
        print_json(figures.summary())
        self._window.close()


def main(rack: str, home: Path) -> int:
    """Open the window; return its exit status."""

    def open_control() -> RackControl:
        from app.rack.service import open_rack  # noqa: PLC0415 - loads after the first paint

        return open_rack(RackOptions(home=home, rack=rack, beside_a_window=True))

    observers: list[Observer] = []
    return run(
        open_control,
        home / "window.ini",
        accompany=lambda window: observers.append(Observer(window)),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
