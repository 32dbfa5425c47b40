"""News that comes while something is being looked at is not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from app.devices.discovery.found_phone import FoundPhone, Watch

TIMEOUT_S = 60.0


class HeldWatch(Watch):
    """Finds nothing, and only once it is let."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(changed)
        self.looking = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    @property
    def phones(self) -> tuple[FoundPhone, ...]:
        return ()

    def close(self) -> None:
        pass

    def _look(self) -> None:
        self._has_news.clear()
        self.looking.release()
        assert self.let.acquire(timeout=TIMEOUT_S)


def test_news_during_a_look_is_told_again_after_it() -> None:
    told = threading.Semaphore(0)
    watch = HeldWatch(told.release)
    with ThreadPoolExecutor(1) as pool:
        watch.let.release()
        watch.start(pool)
        assert told.acquire(timeout=TIMEOUT_S)  # the first look tells whatever it finds
        watch.start(pool)
        assert watch.looking.acquire(timeout=TIMEOUT_S)
        assert watch.looking.acquire(timeout=TIMEOUT_S)
        watch._hear()
        assert told.acquire(timeout=TIMEOUT_S)
        watch.start(pool)  # what a listener does: in vain, for the look still goes on
        watch.let.release()
        assert told.acquire(timeout=TIMEOUT_S)
