"""The runtime while it grows: files by their path in it, each with where it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime_build.errors import BuildError

_PLAIN_PATH = re.compile(r"[A-Za-z0-9_.+/-]+")
"""What the phone's shell can take without quoting."""


@dataclass(frozen=True)
class RuntimeFile:
    """One file of the runtime."""

    content: bytes
    origins: tuple[str, ...]
    """Names of the inputs it was made from."""
    executable: bool = False


class RuntimeTree:
    """All files, in the order of their paths."""

    def __init__(self) -> None:
        self._files: dict[str, RuntimeFile] = {}

    def add(self, path: str, file: RuntimeFile) -> None:
        """Add a file. Raises `BuildError` for an odd name or where another is there already."""
        if not _PLAIN_PATH.fullmatch(path):
            raise BuildError(f"A phone's shell cannot take the name {path!r}.")
        if path in self._files:
            raise BuildError(f"Two inputs want to be {path} in the runtime.")
        self._files[path] = file

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def copy(self, source: Path, path: str, origin: str, *, executable: bool = False) -> None:
        """Add a file of the building machine, links followed."""
        self.add(path, RuntimeFile(source.read_bytes(), (origin,), executable))

    def items(self) -> Iterator[tuple[str, RuntimeFile]]:
        """Yield (path, file) in the order of paths."""
        yield from sorted(self._files.items())

    @property
    def size_bytes(self) -> int:
        """Size of all contents."""
        return sum(len(file.content) for file in self._files.values())
