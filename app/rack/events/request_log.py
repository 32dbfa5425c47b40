"""The events of one request, kept with it, and reading them from any thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from threading import Condition

from app.core.identifiers import RequestId
from app.rack.events.request_events import Ended, Missed, RequestEvent, WhatHappened

Listener = Callable[[RequestEvent | None], object]
"""Hears of each event, on the thread that adds it; of None where the log was closed."""

OTHER_EVENTS = 1024
"""Room in a log for what is no token: states, attempts, audits."""


def events_kept(tokens_wanted: int, steps_traced: int = 0) -> int:
    """Return how many events to keep of a request, so that all of it may be computed twice."""
    return 2 * (tokens_wanted + steps_traced) + OTHER_EVENTS


class RequestLog:
    """Written by the service thread, read by any number of followers, each from its own cursor.

    Memory is bounded by `kept`: it does not grow with followers, nor with what they leave unread.
    """

    def __init__(
        self, request: RequestId, kept: int, forward: Callable[[RequestEvent], object] | None = None
    ) -> None:
        """`forward` hears of each event too."""
        self._request = request
        self._events: deque[RequestEvent] = deque(maxlen=kept)
        self._forward = forward
        self._count = 0
        self._closed = False
        self._changed = Condition()
        self._listeners: tuple[Listener, ...] = ()

    def add(self, at_s: float, what: WhatHappened) -> None:
        """Note what happened. After `Ended` nothing more may come."""
        with self._changed:
            if self._closed:
                return
            self._count += 1
            event = RequestEvent(self._request, self._count, at_s, what)
            self._events.append(event)
            self._closed = isinstance(what, Ended)
            self._changed.notify_all()
        if self._forward is not None:
            self._forward(event)
        self._tell(event)

    def __len__(self) -> int:
        """Return how many events are kept."""
        return len(self._events)

    def keep_last(self) -> None:
        """Keep the newest event alone."""
        with self._changed:
            while len(self._events) > 1:
                self._events.popleft()

    def close(self) -> None:
        """Let followers come to an end, also where the request never came to one."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._tell(None)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Let a follower that must not wait, such as an event loop, hear of news; returns the undo.

        It hears once at first, of None, so that nothing is missed that was there before.
        """
        with self._changed:
            self._listeners = (*self._listeners, listener)
        listener(None)

        def undo() -> None:
            with self._changed:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return undo

    def wake(self) -> None:
        """Let those who wait look again."""
        with self._changed:
            self._changed.notify_all()

    def has_more(self, after: int) -> bool:
        """Tell whether there is, or may still come, an event of a higher sequence."""
        return not self._closed or self._count > after

    def wait(self, after: int, given_up: Callable[[], bool], timeout_s: float | None) -> None:
        """Return once there is an event of a higher sequence, the log is closed or time is up."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._count > after or self._closed or given_up(), timeout_s
            )

    def read(self, after: int) -> tuple[RequestEvent, ...]:
        """Return all events of a higher sequence; `Missed` comes first where some are gone."""
        with self._changed:
            oldest = self._count - len(self._events) + 1
            events = tuple(islice(self._events, max(after + 1 - oldest, 0), None))
        missed = oldest - 1 - after
        if missed <= 0 or not events:
            return events
        gap = RequestEvent(self._request, oldest - 1, events[0].at_s, Missed(missed))
        return (gap, *events)

    def _tell(self, event: RequestEvent | None) -> None:
        for listener in self._listeners:
            listener(event)


class RequestStream(Iterator[RequestEvent]):
    """One follower: iterates over a request's events and waits for those to come, on its thread.

    Ends after the request's last event, or where it is closed on another thread.
    """

    def __init__(self, log: RequestLog, after: int = 0) -> None:
        self._log = log
        self._unread: deque[RequestEvent] = deque()
        self._cursor = max(after, 0)
        self._closed = False

    @property
    def ended(self) -> bool:
        """Whether everything was read and nothing more comes."""
        return self._closed or not (self._unread or self._log.has_more(self._cursor))

    def read(self, timeout_s: float | None = 0.0) -> tuple[RequestEvent, ...]:
        """Return what was not read yet, waiting so long for the first of it; None waits on."""
        if not self._unread and not self.ended:
            self._log.wait(self._cursor, lambda: self._closed, timeout_s)
            self._take()
        events = tuple(self._unread)
        self._unread.clear()
        return events

    def __next__(self) -> RequestEvent:
        while not self._unread:
            if self.ended:
                raise StopIteration
            self._log.wait(self._cursor, lambda: self._closed, None)
            self._take()
        return self._unread.popleft()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Let the listener hear of each event to come, as `RequestLog.listen` does."""
        return self._log.listen(listener)

    def close(self) -> None:
        """Follow no longer; who waits on another thread comes back with nothing."""
        self._closed = True
        self._log.wake()

    def _take(self) -> None:
        if self._closed:
            return
        self._unread.extend(self._log.read(self._cursor))
        if self._unread:
            self._cursor = self._unread[-1].sequence
