"""Whether the window moves while a wall of phones is found, read and given the worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import ShardloomError

RACK = "wall-of-64"
READY_FOR_S = 5.0
"""How long the window is watched after all is ready."""
TIMEOUT_S = 400.0
LIMIT_MS = 50.0


@dataclass(frozen=True)
class WindowFigures:
    """Seconds since the rack was opened, and every beat of the event loop, one due each 5 ms.

    Of a beat: how late it came, how late by the program's own doing (not for want of a processor),
    and how long the window's thread computed since the one before.
    """

    phones: int
    prepared: int
    found_s: float
    ready_s: float
    beats: int
    late_ms: Sequence[float]
    blocked_ms: Sequence[float]
    busy_ms: Sequence[float]

    def summary(self) -> dict[str, float]:
        """Return the figures with the largest of each kind and how many are above the limit."""
        summary: dict[str, float] = {
            "phones": self.phones,
            "prepared": self.prepared,
            "found_s": self.found_s,
            "ready_s": self.ready_s,
            "beats": self.beats,
        }
        for kind in ("late", "blocked", "busy"):
            values: Sequence[float] = getattr(self, f"{kind}_ms")
            summary[f"{kind}_longest_ms"] = max(values)
            summary[f"{kind}_above_limit"] = sum(value > LIMIT_MS for value in values)
        return summary


def measure_window(home: Path, rack: str = RACK) -> dict[str, float]:
    """Run the control centre without a screen. Raises `ShardloomError` with its last words."""
    command = (sys.executable, "-m", "app.benchmarks.window_child", rack, str(home))
    done = subprocess.run(  # noqa: S603 - our own module under our own interpreter
        command,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    lines = done.stdout.decode().splitlines()
    if done.returncode != 0 or not lines:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        if words:
            raise ShardloomError("bench.window_failed", words=words[-1])
        raise ShardloomError("bench.window_silent")
    figures: dict[str, float] = json.loads(lines[-1])
    return figures
