"""The real window on a real X server, with a real pointer's path through the event queue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

PATIENCE_S = 60.0
PROGRAM = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QTimer
from tests.ui.scripted_control import ScriptedControl
from app.ui import application

def opened():
    print("rack asked for", flush=True)
    control = ScriptedControl()
    def script(rack, elapsed_s):
        if rack.phase.value == "starting":
            rack.make_ready()
        elif rack.requests:
            rack.emit_token()
            if len(rack.requests[-1].token_ids) == 5:
                print("text flows", flush=True)
    control.play(script, period_s=0.05)
    return control

sys.exit(application.run(opened, Path(sys.argv[1])))
"""


def test_a_real_window_opens_generates_by_itself_and_ends_on_sigterm(
    display: str, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "DISPLAY": display,
        "QT_QPA_PLATFORM": "xcb",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    window = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "window.ini")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert window.stdout is not None
        seen = []
        for line in window.stdout:
            seen.append(line.strip())
            if "text flows" in line:
                break
        assert seen[-1:] == ["text flows"], seen
        window.send_signal(signal.SIGTERM)
        assert window.wait(PATIENCE_S) == 0, window.stdout.read()
    finally:
        window.kill()
        window.wait(PATIENCE_S)
    assert (tmp_path / "window.ini").read_text().count("geometry=") == 1
