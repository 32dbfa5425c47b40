"""Asks what may wait (hub, library, keys) on a thread; only the newest question is answered."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QObject

from app.core.errors import ShardloomError
from app.ui.rack_link import RackLink
from app.words.sentences import error_text
from app.words.window import failed_command

T = TypeVar("T")


class BackgroundReader(QObject):
    """A new question makes the one before void; one that waits for its turn is never asked."""

    def __init__(self, link: RackLink, parent: QObject) -> None:
        super().__init__(parent)
        self._link = link
        self._thread = ThreadPoolExecutor(1, "asking")
        self._newest = 0
        self._asked: Future[Any] | None = None

    def ask(
        self, question: Callable[[], T], done: Callable[[T], None], refused: Callable[[str], None]
    ) -> None:
        """Answer on the GUI thread, unless something else was asked meanwhile."""
        self.forget()
        settle = partial(self._settle, self._newest, done, refused)
        self._asked = future = self._thread.submit(question)
        future.add_done_callback(lambda each: self._link.deliver(partial(settle, each)))

    def forget(self) -> None:
        """Want no answer to what was asked."""
        self._newest += 1
        if self._asked is not None:
            self._asked.cancel()

    def close(self) -> None:
        """Wait for nothing: what is under way ends by its own limits."""
        self._newest += 1
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _settle(
        self,
        number: int,
        done: Callable[[T], None],
        refused: Callable[[str], None],
        asked: Future[T],
    ) -> None:
        if number != self._newest or asked.cancelled():
            return
        error = asked.exception()
        if error is None:
            done(asked.result())
        elif isinstance(error, ShardloomError):
            refused(error_text(error))
        else:
            refused(failed_command(error))
