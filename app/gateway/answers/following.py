"""The events of several requests on an event loop, though they happen on the rack's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from app.core.clock import Clock
from app.rack.events.request_events import Ended, RequestEvent, StateChanged
from app.rack.events.request_log import RequestStream
from app.rack.snapshot import RequestState

Heard = tuple[int, RequestEvent]
"""The place of a request among those followed, and one of its events."""


class FollowedRequests:
    """Reads requests from their logs, so that what nobody takes is kept there, within bounds.

    `computed` is called once no phone works for any of them: what is left is to check them.
    """

    def __init__(
        self, streams: Sequence[RequestStream], computed: Callable[[], object], clock: Clock
    ) -> None:
        """Begin to listen, on the running loop."""
        self._streams = tuple(streams)
        self._clock = clock
        self._computed = computed
        self._computing = set(range(len(self._streams)))
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._waking = False
        """Whether the loop was told of news and has not looked yet."""
        self._undo = [
            stream.listen(partial(self._hear, place)) for place, stream in enumerate(self._streams)
        ]

    @property
    def ended(self) -> bool:
        """Whether everything was read and nothing more comes."""
        return all(stream.ended for stream in self._streams)

    async def read(self, timeout_s: float) -> tuple[Heard, ...]:
        """Return what was not read yet, waiting at most so long for the first of it."""
        self._changed.clear()
        self._waking = False
        heard = self._unread()
        if heard or self.ended:
            return heard
        with suppress(TimeoutError):
            async with self._clock.timeout(timeout_s):
                await self._changed.wait()
        return self._unread()

    def close(self) -> None:
        """Listen no longer."""
        for undo in self._undo:
            undo()
        for stream in self._streams:
            stream.close()

    def _unread(self) -> tuple[Heard, ...]:
        heard = tuple(
            (place, event) for place, stream in enumerate(self._streams) for event in stream.read()
        )
        for place, event in heard:
            if _is_computed(event):
                self._count_computed(place)
        return heard

    def _hear(self, place: int, event: RequestEvent | None) -> None:
        """Hear of an event, on the rack's thread; the loop is told once, until it looks."""
        with suppress(RuntimeError):  # the loop has ended
            if event is not None and _is_computed(event):  # a slow client keeps no place
                self._loop.call_soon_threadsafe(self._count_computed, place)
            if not self._waking:
                self._waking = True
                self._loop.call_soon_threadsafe(self._changed.set)

    def _count_computed(self, place: int) -> None:
        if place in self._computing:
            self._computing.discard(place)
            if not self._computing:
                self._computed()


def _is_computed(event: RequestEvent) -> bool:
    match event.what:
        case Ended() | StateChanged(state=RequestState.AUDITING):
            return True
        case _:
            return False
