"""The window opened and closed again and again in one process leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak import slice_of

PATIENCE_S = 300.0
MOST_GROWTH_MB = 6.0
"""Of memory for each window; one that stays alive takes 18."""
PROGRAM = """
import gc, json, sys, threading
from pathlib import Path
import psutil
from PySide6.QtCore import QTimer
from tests.ui.scripted_control import ScriptedControl
from app.ui import application

def opened():
    control = ScriptedControl()
    def script(rack, elapsed_s):
        if rack.phase.value == "starting":
            rack.make_ready()
        elif rack.requests:
            rack.emit_token()
    control.play(script, period_s=0.02)
    return control

def close_once_text_flows(window):
    timer = QTimer(window, interval=20)
    def look():
        snapshot = window.link.snapshot
        if snapshot and any(each.token_ids for each in snapshot.requests):
            timer.stop()
            window.close()
    timer.timeout.connect(look)
    timer.start()

me = psutil.Process()
for _ in range(int(sys.argv[1])):
    application.run(opened, Path(sys.argv[2]), accompany=close_once_text_flows)
    gc.collect()
    print(json.dumps({
        "threads": sorted(each.name for each in threading.enumerate()),
        "files": me.num_fds(),
        "processes": len(me.children(recursive=True)),
        "memory_mb": me.memory_info().rss / 1e6,
    }), flush=True)
"""


@pytest.mark.parametrize("times", slice_of((3, 20), 3))
def test_a_window_that_was_closed_leaves_no_thread_process_file_or_memory(
    times: int, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(times), str(tmp_path / "window.ini")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    first, *later = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(later) == times - 1
    assert first["threads"] == ["MainThread"]
    warm, *after = later  # what the program opens once for all may come with the second window
    for each in after:
        for what in ("threads", "files", "processes"):
            assert each[what] == warm[what], what
    grown_mb = later[-1]["memory_mb"] - first["memory_mb"]
    assert grown_mb < MOST_GROWTH_MB * len(later), grown_mb
