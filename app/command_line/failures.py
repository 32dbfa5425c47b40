"""How a command tells that it failed."""

from __future__ import annotations

import sys
from contextlib import suppress


def complain(line: str) -> None:
    """Write one line on standard error, where that takes any."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"shardloom: {line}\n")
