"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import psutil

from app.core.facts import Fact
from workers.engine import light_sleep

CPU_INFORMATION = Path("/proc/cpuinfo")


def describe_machine() -> Fact:
    """Return what decides speed: processor, cores, memory, load, system, versions, sleep."""
    sleeps_lightly = os.access(light_sleep.DEVICE, os.W_OK)
    return Fact(
        "machine.sleeping_lightly" if sleeps_lightly else "machine.sleeping_at_will",
        processor=_processor(),
        cores=psutil.cpu_count() or 1,
        memory=psutil.virtual_memory().total,
        load=os.getloadavg()[0],
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        onnxruntime=metadata.version("onnxruntime"),
    )


def _processor() -> str | Fact:
    if CPU_INFORMATION.exists():
        for line in CPU_INFORMATION.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or Fact("machine.processor_unknown")
