"""What the address does, for whoever looks at it from another thread of this program."""

from __future__ import annotations

from collections import deque
from http import HTTPStatus
from threading import Lock
from typing import Final

from app.core.clock import Clock
from app.core.facts import FieldValue
from app.gateway.access.fair_queue import FairQueue
from app.gateway.errors import ApiError
from app.rack.door.serving import Refusal, ServeActivity

_KEPT: Final = 50
_LONGEST_FIELD: Final = 200
"""Characters: a reason may name what a client sent."""


class ActivityLog:
    """Counts answers and keeps the newest refusals. Safe to use from any thread."""

    def __init__(self, queue: FairQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._lock = Lock()
        self._refusals: deque[Refusal] = deque(maxlen=_KEPT)
        self._answered = self._refused = 0

    def answered(self, status: int) -> None:
        """Count an HTTP request by the status that it was answered with."""
        refused = status >= HTTPStatus.BAD_REQUEST
        with self._lock:
            self._refused += refused
            self._answered += not refused

    def refused(self, route: str, error: ApiError, key: str) -> None:
        """Keep why a request was refused."""
        reason = error.fact.but(**{name: _short(value) for name, value in error.fact.fields})
        refusal = Refusal(self._clock.wall_ms(), route, error.status, reason, key)
        with self._lock:
            self._refusals.append(refusal)

    def now(self) -> ServeActivity:
        """Return how it stands."""
        with self._lock:
            counts = self._answered, self._refused
            kept = tuple(self._refusals)
        return ServeActivity(self._queue.running, self._queue.waiting, *counts, kept)


def _short(value: FieldValue) -> FieldValue:
    return value[:_LONGEST_FIELD] if isinstance(value, str) else value
