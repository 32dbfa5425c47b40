"""What a figure was measured on, in one line."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import psutil

from app.core.units import format_bytes

CPU_INFORMATION = Path("/proc/cpuinfo")


def describe_machine() -> str:
    """Return processor, cores, memory, load, system and the versions that decide speed."""
    return ", ".join(
        (
            _processor(),
            f"{psutil.cpu_count()} cores",
            f"{format_bytes(psutil.virtual_memory().total)} of memory",
            f"load average {os.getloadavg()[0]:.1f} at the start",
            f"{platform.system()} {platform.release()} {platform.machine()}",
            f"Python {platform.python_version()}",
            f"onnxruntime {metadata.version('onnxruntime')}",
        )
    )


def _processor() -> str:
    if CPU_INFORMATION.exists():
        for line in CPU_INFORMATION.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
