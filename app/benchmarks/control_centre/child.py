"""A module of ours as a process of its own, without a screen, that prints what it found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.core.errors import ShardloomError


def figures_of(module: str, arguments: tuple[str, ...], timeout_s: float) -> dict[str, Any]:
    """Return the JSON object that a module prints last.

    Raises `ShardloomError` with its last words, and `subprocess.TimeoutExpired`.
    """
    done = subprocess.run(  # noqa: S603 - our own module under our own interpreter
        (sys.executable, "-m", module, *arguments),
        cwd=Path(__file__).parents[3],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout_s,
        check=False,
    )
    lines = done.stdout.decode().splitlines()
    if done.returncode == 0 and lines:
        figures: dict[str, Any] = json.loads(lines[-1])
        return figures
    words = done.stderr.decode(errors="replace").strip().splitlines()
    if words:
        raise ShardloomError("bench.window_failed", words=words[-1])
    raise ShardloomError("bench.window_silent")
