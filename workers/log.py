"""The worker's log: one line an event on standard error, which the host keeps as worker.log."""

from __future__ import annotations

import sys
import time


class LogOnce:
    """Logs the first thing it is told, and nothing after that."""

    def __init__(self) -> None:
        self._told = False

    def __call__(self, text: str) -> None:
        """Write one line, unless one was written."""
        if not self._told:
            log(text)
        self._told = True


def log(text: str) -> None:
    """Write one line with the time of day in UTC."""
    clock = time.strftime("%H:%M:%S", time.gmtime())
    line = " ".join(text.split())
    sys.stderr.write(f"{clock} {line}\n")
    sys.stderr.flush()
