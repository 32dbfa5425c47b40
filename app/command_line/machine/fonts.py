"""Whether the system has a font for a language, as fontconfig knows, which Qt asks too."""

from __future__ import annotations

import shutil
import subprocess

_WAIT_S = 10.0


def has_font(language: str) -> bool | None:
    """Return whether some font has the letters of a language; None where that is not known."""
    program = shutil.which("fc-list")
    if program is None:
        return None
    command = [program, f":lang={language}", "family"]
    try:
        told = subprocess.run(command, capture_output=True, check=False, timeout=_WAIT_S)  # noqa: S603 - fontconfig's own
    except (OSError, subprocess.TimeoutExpired):
        return None
    return bool(told.stdout.strip()) if told.returncode == 0 else None
