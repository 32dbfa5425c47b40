"""What a figure was measured on, in one line."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import psutil

from app.core.units import format_bytes
from workers.engine import light_sleep

CPU_INFORMATION = Path("/proc/cpuinfo")


def describe_machine() -> str:
    """Return what decides speed: processor, cores, memory, load, system, versions, sleep."""
    return ", ".join(
        (
            _processor(),
            f"{psutil.cpu_count()} cores",
            f"{format_bytes(psutil.virtual_memory().total)} of memory",
            f"load average {os.getloadavg()[0]:.1f} at the start",
            f"{platform.system()} {platform.release()} {platform.machine()}",
            f"Python {platform.python_version()}",
            f"onnxruntime {metadata.version('onnxruntime')}",
            f"processors sleep {_sleep()} during requests",
        )
    )


def _sleep() -> str:
    return "lightly" if os.access(light_sleep.DEVICE, os.W_OK) else "as they like"


def _processor() -> str:
    if CPU_INFORMATION.exists():
        for line in CPU_INFORMATION.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
