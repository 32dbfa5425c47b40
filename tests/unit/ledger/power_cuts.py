# ruff: noqa: ANN401 - SQLite's values have any type
"""A file layer that notes each write and each sync, and what a power cut then leaves of files.

What was written is on the disk for certain once its file was synced; what was not may be there
whole, in part or not at all, in any order.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

NAME = "shardloom-power-cuts"


@dataclass(frozen=True)
class FileEvent:
    """A write, a truncation (no data) or a sync of a file."""

    file: str
    kind: str
    offset: int = 0
    data: bytes = b""


class RecordingLayer(apsw.VFS):
    """SQLite's file layer; everything goes on to the real one and is noted."""

    def __init__(self) -> None:
        self.events: list[FileEvent] = []
        super().__init__(NAME, "")

    def xOpen(self, name: Any, flags: Any) -> _RecordingFile:  # noqa: N802 - SQLite's name for it
        return _RecordingFile(self.events, name, flags)


class _RecordingFile(apsw.VFSFile):
    def __init__(self, events: list[FileEvent], name: Any, flags: Any) -> None:
        filename = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._events, self._name = events, Path(str(filename)).name
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._events.append(FileEvent(self._name, "write", offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._events.append(FileEvent(self._name, "truncate", size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._events.append(FileEvent(self._name, "sync"))
        super().xSync(flags)


class LayeredConnection:
    """What the ledger asks of a connection of `sqlite3`, over another file layer."""

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(str(path), vfs=NAME)

    def execute(self, statement: str, values: Any = ()) -> Any:
        return self._connection.execute(statement, tuple(values))

    def executemany(self, statement: str, rows: Any) -> Any:
        return self._connection.executemany(statement, [tuple(row) for row in rows])

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    @property
    def in_transaction(self) -> bool:
        """Whether a statement began what is not committed yet."""
        return self._connection.in_transaction

    def create_function(self, name: str, count: int, function: Any, **_: object) -> None:
        self._connection.create_scalar_function(name, function, count)

    def close(self) -> None:
        self._connection.close()


def after_cut(
    events: list[FileEvent], length: int, folder: Path, pick: random.Random | None
) -> None:
    """Write the files as a cut after so many events leaves them.

    Without `pick` nothing that was not synced is there, else any part of it, each write whole or
    torn at some byte.
    """
    files: dict[str, bytearray] = {}
    waiting: dict[str, list[FileEvent]] = {}
    for event in events[:length]:
        files.setdefault(event.file, bytearray())
        if event.kind == "sync":
            for each in waiting.pop(event.file, []):
                _apply(files[event.file], each, len(each.data))
        else:
            waiting.setdefault(event.file, []).append(event)
    for name, left in waiting.items() if pick else ():
        for event in left:
            if pick is not None and pick.random() < 0.5:
                torn = pick.random() < 0.3
                kept = pick.randrange(len(event.data) + 1) if torn else len(event.data)
                _apply(files[name], event, kept)
    for name, content in files.items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(content)


def _apply(content: bytearray, event: FileEvent, kept: int) -> None:
    if event.kind == "truncate":
        del content[event.offset :]
        return
    content.extend(bytes(max(0, event.offset - len(content))))
    content[event.offset : event.offset + kept] = event.data[:kept]
