"""The worker's Python packages for another processor, exactly as the project's lock has them."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from runtime_build.commands import download
from runtime_build.errors import BuildError
from runtime_build.hashing import file_sha256
from runtime_build.target import Target

PYTHON_VERSION = "3.11"


@dataclass(frozen=True)
class Wheel:
    """A downloaded wheel."""

    name: str
    version: str
    path: Path
    sha256: str


def locked_requirements(lock: str, names: Sequence[str]) -> str:
    """Return the lines of a lock file, with hashes, for these packages alone.

    Raises `BuildError` where the lock has none for one of them.
    """
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    by_name = {entry.partition("==")[0]: entry for entry in entries if "==" in entry}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise BuildError(f"The lock file does not have {', '.join(missing)}.")
    return "".join(by_name[name] for name in names)


def download_wheels(target: Target, requirements: str, folder: Path) -> list[Wheel]:
    """Return the locked wheels for the target, in the order of their names.

    Raises `UnavailableError` where pip cannot have them, or where their bytes are not the locked
    ones: pip refuses such files.
    """
    chosen = folder / f"wheels-{target.abi}"
    chosen.mkdir(parents=True, exist_ok=True)
    listed = chosen / "requirements.txt"
    if not (listed.is_file() and listed.read_text() == requirements):
        for old in chosen.iterdir():
            old.unlink()
        (chosen / "wanted.txt").write_text(requirements)
        download(_command(target, chosen), chosen)
        (chosen / "wanted.txt").replace(listed)
    return [_described(path) for path in sorted(chosen.glob("*.whl"))]


def _command(target: Target, folder: Path) -> list[str | Path]:
    platforms = [word for tag in target.wheel_platforms for word in ("--platform", tag)]
    return [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-input"),
        *("--implementation", "cp", "--python-version", PYTHON_VERSION),
        *platforms,
        *("--dest", folder, "--requirement", folder / "wanted.txt"),
    ]


def _described(path: Path) -> Wheel:
    with zipfile.ZipFile(path) as wheel:
        name = next(each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
        fields = Parser().parsestr(wheel.read(name).decode())
    return Wheel(fields["Name"], fields["Version"], path, file_sha256(path))


def unpack(wheel: Wheel, folder: Path) -> None:
    """Lay a wheel's files below a folder; refuses names that lead out of it."""
    with zipfile.ZipFile(wheel.path) as source:
        for name in source.namelist():
            if not (folder / name).resolve().is_relative_to(folder.resolve()):
                raise BuildError(f"{wheel.path.name} has a file outside itself: {name}")
        source.extractall(folder)
