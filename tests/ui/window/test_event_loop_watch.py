from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from app.ui.window.event_loop_watch import EventLoopWatch, Gap

HELD_S = 0.08


def compute() -> None:
    """Keep this thread busy, by its own clock."""
    until_s = time.thread_time() + HELD_S
    while time.thread_time() < until_s:
        pass


def test_a_held_event_loop_shows_and_whether_it_computed_meanwhile(qtbot: QtBot) -> None:
    parent = QObject()
    loop_watch, gaps = EventLoopWatch(parent), list[Gap]()

    def seen(least_busy_ms: float) -> bool:
        gaps.extend(loop_watch.take())
        return any(gap.late_ms > 50 and gap.busy_ms >= least_busy_ms for gap in gaps)

    QTimer.singleShot(0, parent, lambda: time.sleep(HELD_S))
    qtbot.waitUntil(lambda: seen(0.0), timeout=60_000)
    QTimer.singleShot(0, parent, compute)
    qtbot.waitUntil(lambda: seen(HELD_S * 900), timeout=60_000)


def test_want_of_a_processor_is_not_the_programs_doing() -> None:
    assert Gap(late_ms=120.0, busy_ms=3.0, queued_ms=100.0).blocked_ms == 20.0
    assert Gap(late_ms=1.0, busy_ms=3.0, queued_ms=4.0).blocked_ms == 0.0
