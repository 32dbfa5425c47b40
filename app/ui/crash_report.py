"""What is left of a control centre that ended without closing, told at the next start. Qt-free."""

from __future__ import annotations

import contextlib
import faulthandler
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

REPORT: Final = "crash.log"
_RUNNING: Final = "window.running"
LARGEST_BYTES: Final = 200_000


class CrashReport:
    """A mark that lies in the home while the window runs, and where its last words go.

    What cannot be written costs the report and nothing else.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / REPORT
        self._mark = home / _RUNNING

    @contextlib.contextmanager
    def kept(self) -> Iterator[Path | None]:
        """Keep a report while this lasts; gives that of the last run where it did not close."""
        left = self._left_behind()
        try:
            self._mark.touch()
            file = self.path.open("w", encoding="utf-8")
        except OSError:
            yield left
            return
        with file:
            faulthandler.enable(file)
            try:
                yield left
            finally:
                faulthandler.disable()
        with contextlib.suppress(OSError):
            self._mark.unlink()

    def note(self, error: BaseException) -> None:
        """Add an error that nobody foresaw."""
        with contextlib.suppress(OSError):
            if self.path.stat().st_size < LARGEST_BYTES:
                with self.path.open("a", encoding="utf-8") as file:
                    traceback.print_exception(error, file=file)

    def _left_behind(self) -> Path | None:
        """Put the report of a run that did not close aside; it may be empty, as after a kill."""
        if not self._mark.exists():
            return None
        aside = self.path.with_suffix(".last.log")
        with contextlib.suppress(OSError):
            self.path.replace(aside)
        return aside if aside.exists() else None
