"""Running other programs: quiet where they succeed, their last word where they fail."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from runtime_build.errors import BuildError, UnavailableError

TIMEOUT_S = 600


def run(
    command: Sequence[str | Path],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Return what a program printed.

    Raises `UnavailableError` where it is not there, `BuildError` with its last line where it fails.
    """
    words = [str(word) for word in command]
    if shutil.which(words[0]) is None:
        raise UnavailableError(f"'{words[0]}' is missing; the build needs a Debian-like system.")
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            words,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"'{words[0]}' did not end within {TIMEOUT_S} s.") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise BuildError(f"{Path(words[0]).name} failed: {said or f'code {done.returncode}'}")
    return done.stdout


def download(command: Sequence[str | Path], folder: Path) -> None:
    """Run a program that downloads. Raises `UnavailableError` where it fails."""
    try:
        run(command, folder)
    except BuildError as error:
        raise UnavailableError(str(error)) from None
