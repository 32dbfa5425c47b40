"""What happened, newest last."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from app.core.clock import Clock
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.rack.snapshot import TimelineEvent, TimelineKind

_KEPT = 500
_log = logging.getLogger("shardloom.timeline")


class Timeline:
    """The newest events; kept on the service thread."""

    def __init__(
        self, clock: Clock, record: Callable[[TimelineEvent], object] | None = None
    ) -> None:
        """`record` hears of each event too."""
        self._clock = clock
        self._record = record
        self._events: deque[TimelineEvent] = deque(maxlen=_KEPT)
        self._sequence = 0

    @property
    def events(self) -> tuple[TimelineEvent, ...]:
        """All that is kept, oldest first."""
        return tuple(self._events)

    def add(self, kind: TimelineKind, fact: Fact, serial: Serial | None = None) -> None:
        """Note that something happened now."""
        self._sequence += 1
        event = TimelineEvent(
            self._sequence, self._clock.monotonic_s(), self._clock.wall_ms(), kind, serial, fact
        )
        self._events.append(event)
        if self._record is not None:
            self._record(event)
        _log.info("%s: %s", kind.value, fact)
