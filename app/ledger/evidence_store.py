"""Evidence beside the ledger: files named by their SHA-256, readable by their owner.

The journal names them; who gets a file can tell by its name that nothing of it was changed. How
long they are kept is a rule of the journal (`app.ledger.desks.evidence`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.errors import LedgerError, reason_of
from app.core.identifiers import is_sha256
from workers.whole_file import replace_file

MOST_FILE_BYTES: Final = 256 << 20


@dataclass(frozen=True)
class KeptFile:
    """A file, when it was kept or named last (ms since 1970 UTC), and its size in bytes."""

    name: str
    kept_ms: int
    size: int


class EvidenceStore:
    """A folder of such files. Used from one thread at a time to write; readers may be elsewhere."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, which is made with the first file."""
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep content; return its name. Raises `LedgerError` where it cannot be written."""
        name = hashlib.sha256(content).hexdigest()
        path = self._folder / name
        try:
            if not path.exists():
                self._write(path, content)
            else:
                path.touch()
        except OSError as error:
            raise LedgerError("evidence.unwritten", reason=reason_of(error)) from None
        return name

    def has(self, name: str) -> bool:
        """Tell whether a file of that name is there; `get` also sees what it holds."""
        return is_sha256(name) and (self._folder / name).is_file()

    def get(self, name: str) -> bytes:
        """Return what the file of that name holds.

        Raises `LedgerError` where it is there no more or holds something else.
        """
        path = self._folder / name
        try:
            if not is_sha256(name) or path.stat().st_size > MOST_FILE_BYTES:
                raise LedgerError("evidence.none_there", name=name)
            content = path.read_bytes()
        except OSError:
            raise LedgerError("evidence.none_there", name=name) from None
        if hashlib.sha256(content).hexdigest() != name:
            raise LedgerError("evidence.changed", name=name)
        return content

    def files(self) -> list[KeptFile]:
        """Return what is kept; nothing where the folder cannot be read."""
        try:
            found = [(entry.name, entry.stat()) for entry in os.scandir(self._folder)]
        except OSError:
            return []
        return [
            KeptFile(name, stat.st_mtime_ns // 1_000_000, stat.st_size)
            for name, stat in found
            if is_sha256(name)
        ]

    def delete(self, names: Iterable[str], before_ms: int) -> None:
        """Delete files of those names that were not kept again since; what cannot be stays."""
        for path in (self._folder / name for name in names if is_sha256(name)):
            with suppress(OSError):
                if path.stat().st_mtime_ns // 1_000_000 < before_ms:
                    path.unlink()

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, content)
