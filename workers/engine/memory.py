"""How memory is asked for, and how much this machine can still give before it overflows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from workers.errors import EngineError

LARGE_PAGES: Final = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Environment of a worker: weights, read whole at every token, in pages of 2 MB where they are had.

Pages of 4 KB are looked up so often that runs take up to a tenth longer. Other C libraries than
glibc (2.35 and later) and kernels without such pages take no notice.
"""
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)


def available_bytes(information: Path = Path("/proc/meminfo")) -> int | None:
    """Return how much memory programs can still get by the kernel's estimate, None without one."""
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
            "memory.lacks",
            needed_mb=f"{needed_bytes / 1e6:.0f}",
            missing_mb=f"{missing_megabytes:.0f}",
        )
