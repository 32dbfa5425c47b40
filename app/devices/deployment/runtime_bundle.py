"""What the phone runs: the `workers` package as one zip, and the script that starts it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from app.core.errors import BadInputError
from workers.engine.memory import LARGE_PAGES

RUN_SCRIPT: Final = "run"
NO_PYTHON_EXIT_CODE: Final = 86
_SOURCE_DATE: Final = (1980, 1, 1, 0, 0, 0)
_RUN: Final = """\
# Starts the worker; the folder it lies in is the current one. Argument: the configuration file.
export HOME="$PWD" TMPDIR="$PWD/tmp" PYTHONDONTWRITEBYTECODE=1
export {environment}
for loader in {runtime}/lib/ld-linux-*.so.*; do
  if [ -x "$loader" ]; then
    export PYTHONHOME="$PWD/{runtime}" PYTHONPATH="$PWD/{archive}:$PWD/{runtime}"
    exec "$loader" --library-path {runtime}/lib {runtime}/lib/python3 -s -S -OO -m workers "$1"
  fi
done
if command -v python3 >/dev/null; then
  PYTHONPATH="$PWD/{archive}" exec python3 -s -m workers "$1"
fi
echo "no Python on this phone: the runtime bundle is missing" >&2
exit {no_python}
"""


@dataclass(frozen=True)
class RuntimeBundle:
    """The worker's code, known by its hash: the same sources make the same bytes everywhere."""

    archive: bytes
    version: str
    """SHA-256 of the archive."""
    runtime_folder: str = "runtime"
    """The folder on the phone with an interpreter of our own, where there is one."""

    @property
    def archive_name(self) -> str:
        """The archive's file name on the phone."""
        return f"workers-{self.version}.zip"

    @property
    def run_script(self) -> bytes:
        """The start script (POSIX shell; mksh and toybox have all it uses)."""
        return _RUN.format(
            archive=self.archive_name,
            runtime=self.runtime_folder,
            no_python=NO_PYTHON_EXIT_CODE,
            environment=" ".join(f"{name}={value}" for name, value in LARGE_PAGES.items()),
        ).encode()


def build_runtime_bundle(package: str = "workers") -> RuntimeBundle:
    """Return the bundle of an importable package's sources.

    Raises `BadInputError` where they are not there (an installation of compiled files only).
    """
    sources = _sources(package)
    if not sources:
        raise BadInputError("phone_runtime.sources_missing", package=package)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for name, content in sources:
            target.writestr(zipfile.ZipInfo(name, _SOURCE_DATE), content)
    content = archive.getvalue()
    return RuntimeBundle(content, hashlib.sha256(content).hexdigest())


def _sources(package: str) -> list[tuple[str, bytes]]:
    """Return (name in the archive, content) of every module, in the order of names."""
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        return []
    root = Path(folders[0])
    return [
        (f"{package}/{path.relative_to(root).as_posix()}", path.read_bytes())
        for path in sorted(root.rglob("*.py"))
        if "__pycache__" not in path.parts
    ]
