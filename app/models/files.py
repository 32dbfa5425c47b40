"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.core.errors import ShardloomError, reason_of

FORGOTTEN_AFTER_S = 7 * 24 * 3600.0

PIECE_BYTES = 8 << 20

PARTIAL_PREFIX = "partial-"


@dataclass(frozen=True)
class PartialFile:
    """A file being written under a passing name."""

    path: Path
    content: BinaryIO

    def move_to(self, path: Path) -> None:
        """Give the file its lasting name, once its bytes are on the disk."""
        self.content.flush()
        os.fsync(self.content.fileno())
        self.path.replace(path)


@contextmanager
def partial_file(folder: Path) -> Iterator[PartialFile]:
    """Open a new file in the folder; unless it was moved, it is gone afterwards.

    A failure of the disk becomes a `ShardloomError`.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=PARTIAL_PREFIX)
        try:
            with os.fdopen(descriptor, "wb") as content:
                yield PartialFile(Path(name), content)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise ShardloomError(
            "folder.unwritable", folder=str(folder), reason=reason_of(error)
        ) from error


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Replace a file's content in one step."""
    with partial_file(path.parent) as partial:
        partial.content.writelines(chunks)
        partial.move_to(path)
