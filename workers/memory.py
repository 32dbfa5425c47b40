"""How much memory this machine can still give, so that a span is refused before it overflows."""

from __future__ import annotations

import re
from pathlib import Path

from workers.errors import EngineError

_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)


def available_bytes(information: Path = Path("/proc/meminfo")) -> int | None:
    """Return the kernel's estimate, None where it gives none."""
    try:
        found = _AVAILABLE.search(information.read_text())
    except OSError:
        return None
    return int(found.group(1)) * 1024 if found else None


def require_memory(needed_bytes: int, available: int | None) -> None:
    """Raise `EngineError` where that much is known not to be there."""
    if available is not None and needed_bytes > available:
        missing_megabytes = (needed_bytes - available) / 1e6
        raise EngineError(
            f"no memory for {needed_bytes / 1e6:.0f} MB of weights and attention cache: "
            f"{missing_megabytes:.0f} MB are missing"
        )
