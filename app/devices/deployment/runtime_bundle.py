"""What the phone runs: the `workers` package as one zip, and the script that starts it."""

from __future__ import annotations

import hashlib
import io
import marshal
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import MAGIC_NUMBER, find_spec, source_hash
from pathlib import Path
from typing import Final

from app.core.errors import BadInputError
from workers.engine.memory import LARGE_PAGES

RUN_SCRIPT: Final = "run"
NO_PYTHON_EXIT_CODE: Final = 86
_SOURCE_DATE: Final = (1980, 1, 1, 0, 0, 0)
_UNCHECKED_HASH: Final = 0b01
"""PEP 552: by the hash of its source, which nobody compares; it lies in the same archive."""
_WITHOUT_REFERENCES: Final = 2
"""A version of the format; later ones tell what this process used twice."""
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
    modules = _modules(package)
    if not modules:
        raise BadInputError("phone_runtime.sources_missing", package=package)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for name, path in modules:
            source = path.read_bytes()
            target.writestr(zipfile.ZipInfo(name, _SOURCE_DATE), source)
            target.writestr(zipfile.ZipInfo(f"{name}c", _SOURCE_DATE), compiled(name, source))
    content = archive.getvalue()
    return RuntimeBundle(content, hashlib.sha256(content).hexdigest())


@lru_cache(maxsize=512)
def compiled(name: str, source: bytes) -> bytes:
    """Return what a Python of this one's version runs instead of the source; others pass it over.

    Compiling all modules is a third of a worker's start. The same source gives the same bytes:
    they name no folder of this computer, and are written without marks of what was used twice.
    """
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    header = MAGIC_NUMBER + _UNCHECKED_HASH.to_bytes(4, "little") + source_hash(source)
    return header + marshal.dumps(code, _WITHOUT_REFERENCES)


def _modules(package: str) -> list[tuple[str, Path]]:
    """Return (name in the archive, file) of every module, in the order of names."""
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        return []
    root = Path(folders[0])
    return [
        (f"{package}/{path.relative_to(root).as_posix()}", path)
        for path in sorted(root.rglob("*.py"))
        if "__pycache__" not in path.parts
    ]
