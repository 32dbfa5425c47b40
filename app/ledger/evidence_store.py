"""Evidence beside the ledger: files named by their SHA-256, readable by their owner.

The journal names them; who gets a file can tell by its name that nothing of it was changed. They
are bounded together: the oldest go first, and what they proved can then no longer be shown.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from app.core.errors import LedgerError, reason_of
from app.core.identifiers import is_sha256
from workers.whole_file import replace_file

MOST_BYTES: Final = 1 << 30
MOST_FILE_BYTES: Final = 256 << 20
_KEPT_SHARE: Final = 0.9
"""Of what is allowed, what is left once the oldest went."""


class EvidenceStore:
    """A folder of such files. Used from one thread at a time to write; readers may be elsewhere."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        """Hold at most so many bytes in the folder, which is made with the first file."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._size_bytes: int | None = None

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

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, content)
        known = self._size_bytes
        self._size_bytes = self._measured() if known is None else known + len(content)
        if self._size_bytes > self._most_bytes:
            self._forget_oldest(but=path)

    def _measured(self) -> int:
        return sum(entry.stat().st_size for entry in os.scandir(self._folder))

    def _forget_oldest(self, but: Path) -> None:
        found = sorted(
            ((entry.stat(), Path(entry.path)) for entry in os.scandir(self._folder)),
            key=lambda each: each[0].st_mtime_ns,
        )
        left = sum(stat.st_size for stat, _ in found)
        for stat, path in found:
            if left <= self._most_bytes * _KEPT_SHARE:
                break
            if path != but:
                path.unlink(missing_ok=True)
                left -= stat.st_size
        self._size_bytes = left
