"""The checks of `shardloom doctor` for files: those that come with it, and those left behind."""

from __future__ import annotations

import os
from pathlib import Path

from app.command_line.machine.doctor_checks import Check
from app.core.assets import ASSETS, missing_assets
from app.core.errors import BadInputError
from app.devices.deployment.runtime_bundle import build_runtime_bundle

_REPORTED = Path("Microsoft") / "DeveloperTools" / ".onnxruntime"
"""Where onnxruntime keeps a device id and a queue of events below the cache folder."""


def check_assets(folder: Path = ASSETS) -> Check:
    """Whether all that comes with the program is there: demo model, racks, the worker's code."""
    lacking = list(missing_assets(folder))
    try:
        build_runtime_bundle()
    except BadInputError:
        lacking.append("the worker's sources")
    detail = f"{folder} lacks {', '.join(lacking)}." if lacking else f"whole, at {folder}."
    return Check("Program files", not lacking, detail, "install Shardloom again.")


def check_telemetry() -> Check:
    """Whether onnxruntime, under an older Shardloom or another program, kept what it reports."""
    base = os.environ.get("XDG_CACHE_HOME")
    left = (Path(base) if base else Path.home() / ".cache") / _REPORTED
    if not left.exists():
        return Check("Telemetry", True, "off; no library reports anything.", "")
    detail = "off, but onnxruntime has reported before, or does for another program."
    return Check("Telemetry", False, detail, f"rm -r {left}", needed=False)
