"""A rack that remembers when it was asked for each request: what passed before is not its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

from app.core.identifiers import RequestId
from app.rack.commands import Ask
from app.rack.commands.command import Command, Result
from app.rack.control import RackAccess
from app.rack.events.request_log import RequestStream
from app.rack.snapshot import ModelChoice, RackSnapshot


class AskedRack:
    """A `RackAccess` that passes everything on."""

    def __init__(self, rack: RackAccess) -> None:
        self._rack = rack
        self._asked_s: dict[RequestId, float] = {}

    def asked_s(self, request: RequestId) -> float:
        """Return when it was asked for a request, by the system's monotonic clock."""
        return self._asked_s[request]

    def do(self, command: Command[Result]) -> Future[Result]:
        """Note the moment of an `Ask`, and pass it on."""
        now_s = time.monotonic()
        done = self._rack.do(command)
        if isinstance(command, Ask):
            done.add_done_callback(lambda ended: self._note(ended, now_s))
        return done

    def subscribe(self, listener: Callable[[RackSnapshot], None]) -> Callable[[], None]:
        """Pass it on."""
        return self._rack.subscribe(listener)

    def snapshot(self) -> RackSnapshot:
        """Pass it on."""
        return self._rack.snapshot()

    def follow(self, request: RequestId, after: int = 0) -> RequestStream:
        """Pass it on."""
        return self._rack.follow(request, after)

    def models(self) -> tuple[ModelChoice, ...]:
        """Pass it on."""
        return self._rack.models()

    def close(self) -> Future[None]:
        """Pass it on."""
        return self._rack.close()

    def _note(self, ended: Future[Result], now_s: float) -> None:
        if not ended.cancelled() and ended.exception() is None:
            self._asked_s[RequestId(str(ended.result()))] = now_s
