"""The lines of the log, on disk as well: what happened stays known after a restart. Qt-free."""

from __future__ import annotations

import contextlib
import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

LINES_KEPT: Final = 5000
FILE_LIMIT_BYTES: Final = 2_000_000
"""A longer file is put aside, and the one put aside before is dropped."""
_LINE: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\t([a-z-]*)\t(.*)")
_BREAKS: Final = re.compile(r"[\r\n\t]+")


@dataclass(frozen=True)
class LogLine:
    """One thing that was said; `at_s` is on the axis of the snapshots, None of earlier runs."""

    moment: datetime
    """Local time of day."""
    kind: str
    """Of the event (`TimelineKind`), else the level of a line of the program's own log."""
    text: str
    at_s: float | None = None

    @property
    def written(self) -> str:
        """The line as it stands in the file."""
        when = self.moment.strftime("%Y-%m-%dT%H:%M:%S")
        return f"{when}\t{self.kind}\t{_BREAKS.sub(' ', self.text)}"


class LogLines:
    """The newest lines, oldest first; used by one thread.

    A file that cannot be read or written costs what is kept over restarts, and nothing else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: deque[LogLine] = deque(_read(path), LINES_KEPT)

    @property
    def all(self) -> tuple[LogLine, ...]:
        """Every line that is kept."""
        return tuple(self._lines)

    def add(self, line: LogLine) -> None:
        """Take in a line, on disk too."""
        self._lines.append(line)
        with contextlib.suppress(OSError):
            if self._path.exists() and self._path.stat().st_size > FILE_LIMIT_BYTES:
                self._path.replace(_aside(self._path))
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{line.written}\n")


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


def _read(path: Path) -> list[LogLine]:
    """Return the lines of earlier runs; what is no line of ours is passed over."""
    lines: list[LogLine] = []
    for each in (_aside(path), path):
        with contextlib.suppress(OSError):
            text = each.read_text(encoding="utf-8", errors="replace")
            lines.extend(line for raw in text.splitlines() if (line := _parse(raw)))
    return lines[-LINES_KEPT:]


def _parse(raw: str) -> LogLine | None:
    found = _LINE.fullmatch(raw)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found[1]).astimezone()
    except ValueError:
        return None
    return LogLine(moment, found[2], found[3])
