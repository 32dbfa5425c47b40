"""The time of a ledger: the computer's clock, but never behind the newest entry."""

from __future__ import annotations

from app.core.clock import Clock, WaitsOnTheLoop
from app.ledger.journal.journal import Journal


class JournalClock(WaitsOnTheLoop):
    """Stands still where the computer's clock was set back, until that has caught up.

    Deadlines are reckoned from it and compared with dates of entries, so that both are of one time.
    """

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock = clock
        self._journal = journal

    def monotonic_s(self) -> float:
        """Return the clock's own."""
        return self._clock.monotonic_s()

    def wall_ms(self) -> int:
        """Return milliseconds since 1970 UTC, at least those of the newest entry."""
        return max(self._clock.wall_ms(), self._journal.last_ms)
