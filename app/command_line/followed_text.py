"""The text of a request from its own events: they come sooner than the snapshots that show it."""

from __future__ import annotations

from app.rack.events.request_events import Ended, Missed, RolledBack, TokenAdded, WhatHappened
from app.rack.events.request_log import RequestStream
from app.rack.snapshot import RequestSnapshot


class FollowedText:
    """Read on one thread. `settled` stands, `open` may still be taken back."""

    def __init__(self, stream: RequestStream) -> None:
        self._stream = stream
        self._parts: list[str] = []
        self._kept = 0
        self._ended: RequestSnapshot | None = None
        self._whole = True

    def texts(self, snapshot: RequestSnapshot) -> tuple[str, str]:
        """Return what stands and what may be taken back, as of now.

        The snapshot's own where not every event was there to be read.
        """
        for event in self._stream.read():
            self._take(event.what)
        if not self._whole:
            return snapshot.settled_text, snapshot.open_text
        if self._ended is not None:
            return self._ended.settled_text, self._ended.open_text
        return "".join(self._parts[: self._kept]), "".join(self._parts[self._kept :])

    def _take(self, what: WhatHappened) -> None:
        match what:
            case TokenAdded(text=text):
                self._parts.append(text)
            case RolledBack(kept=kept):
                del self._parts[kept:]
                self._kept = kept
            case Ended(request):
                self._ended = request
            case Missed():
                self._whole = False
            case _:
                pass  # says nothing of the text
