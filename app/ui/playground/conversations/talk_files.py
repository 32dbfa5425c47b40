"""Texts and conversations of earlier runs: one JSON file below the home. Qt-free.

Nothing that stands in the file can stop the window, and nothing is written over that could not be
read: such a file is put aside.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Final

from app.core.errors import ShardloomError, reason_of
from app.core.facts import Fact
from app.ui.playground.conversations.talk_records import KeptTalk, record_of, talk_of
from app.ui.playground.conversations.talks import MOST_TALKS, Talk

FORMAT: Final = 1
LARGEST_READ_BYTES: Final = 64 << 20
LARGEST_WRITTEN_BYTES: Final = 16 << 20
"""The oldest talks are left out beyond it: half a second is what reading more would take."""
MOST_ASIDE: Final = 99


@dataclass(frozen=True)
class EarlierTalks:
    """What was read, what there is to tell of it, and whether the file may be written anew."""

    talks: tuple[Talk, ...] = ()
    told: Fact | None = None
    may_write: bool = True


class TalksFile:
    """Written by any thread, all or nothing; what was wanted last is what stays."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._numbers = count(1)
        self._done = 0
        """The number of the newest wish that was carried out."""

    def read(self) -> EarlierTalks:
        """Return the talks of earlier runs; what cannot be read is put aside. Raises nothing."""
        try:
            talks = _talks_in(self._path)
        except FileNotFoundError:
            return EarlierTalks()
        except OSError as error:
            return self._unreadable(error)
        whole = tuple(talk for talk in talks if talk is not None)
        if len(whole) == len(talks):
            return EarlierTalks(whole[-MOST_TALKS:])
        try:
            aside = self._put_aside()
        except OSError as error:
            return self._unreadable(error)
        return EarlierTalks(whole[-MOST_TALKS:], Fact("talks.put_aside", path=str(aside)))

    def writing(self, talks: Sequence[KeptTalk]) -> Callable[[], None]:
        """Return what writes talks for their owner alone; it raises `ShardloomError`."""
        return partial(self._do, next(self._numbers), partial(self._write, talks))

    def forgetting(self) -> Callable[[], None]:
        """Return what deletes the file, if there is one."""
        return partial(self._do, next(self._numbers), self._forget)

    def _do(self, number: int, work: Callable[[], None]) -> None:
        """Carry out a wish unless a later one was carried out before it."""
        with self._lock:
            if number > self._done:
                work()
                self._done = number

    def _write(self, talks: Sequence[KeptTalk]) -> None:
        try:
            self._replace(_text_of(talks))
        except OSError as error:
            raise ShardloomError("talks.not_kept", reason=reason_of(error)) from error

    def _replace(self, text: str) -> None:
        handle, draft = tempfile.mkstemp(".new", f"{self._path.stem}-", self._path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(draft).replace(self._path)
        finally:
            Path(draft).unlink(missing_ok=True)

    def _forget(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _put_aside(self) -> Path:
        """Rename the file to the first free name of its own. Raises `OSError`."""
        for number in range(1, MOST_ASIDE + 1):
            aside = self._path.with_name(f"{self._path.stem}-aside-{number}{self._path.suffix}")
            if not aside.exists():
                self._path.rename(aside)
                return aside
        raise FileExistsError(str(self._path))

    def _unreadable(self, error: OSError) -> EarlierTalks:
        told = Fact("talks.unreadable", path=str(self._path), reason=reason_of(error))
        return EarlierTalks(told=told, may_write=False)


def _talks_in(path: Path) -> Sequence[Talk | None]:
    """Return every talk of a file, None for what is none of ours. Raises `OSError`."""
    nothing_of_ours = (None,)
    if path.stat().st_size > LARGEST_READ_BYTES:
        return nothing_of_ours
    try:
        held = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return nothing_of_ours
    records = held.get("talks") if isinstance(held, dict) else None
    if not isinstance(records, list) or held.get("format") != FORMAT:
        return nothing_of_ours
    return [talk_of(record) for record in records]


def _text_of(talks: Sequence[KeptTalk]) -> str:
    """Return the file's text: the newest talks, as many as it has room for."""
    lines: list[str] = []
    room = LARGEST_WRITTEN_BYTES
    for talk in reversed(talks):
        line = json.dumps(record_of(talk))  # ASCII: a letter is a byte
        room -= len(line) + 2
        if room < 0:
            break
        lines.append(line)
    begun = json.dumps({"format": FORMAT, "talks": []}).removesuffix("]}")
    return begun + ", ".join(reversed(lines)) + "]}"
