"""The checks of `shardloom doctor` for files: those that come with it, and those left behind."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from app.command_line.machine.doctor_checks import Check
from app.core.assets import ASSETS, missing_assets
from app.core.errors import BadInputError
from app.core.facts import Fact, FieldValue
from app.devices.deployment.runtime_bundle import build_runtime_bundle
from app.words.catalogue import message

_REPORTED = Path("Microsoft") / "DeveloperTools" / ".onnxruntime"
"""Where onnxruntime keeps a device id and a queue of events below the cache folder."""


def check_assets(folder: Path = ASSETS) -> Check:
    """Whether all that comes with the program is there: demo model, racks, the worker's code."""
    lacking: list[FieldValue] = list(missing_assets(folder))
    try:
        build_runtime_bundle()
    except BadInputError:
        lacking.append(Fact("check.worker_sources"))
    detail = Fact("check.files_whole", path=str(folder))
    if lacking:
        detail = Fact("check.files_lacking", path=str(folder), names=tuple(lacking))
    return Check(message("Program files"), not lacking, detail, (Fact("mend.files"),))


def check_telemetry() -> Check:
    """Whether onnxruntime, under an older Shardloom or another program, kept what it reports."""
    base = os.environ.get("XDG_CACHE_HOME")
    left = (Path(base) if base else Path.home() / ".cache") / _REPORTED
    name = message("Telemetry")
    if not left.exists():
        return Check(name, True, Fact("check.telemetry_off"))
    mend = (Fact("mend.type", command=f"rm -r {shlex.quote(str(left))}"),)
    return Check(name, False, Fact("check.telemetry_left"), mend, needed=False)
