"""Waiting where too few phones are there: a request pauses, and goes on once they suffice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.core.errors import DoesNotFitError
from app.core.facts import Fact
from app.rack.layers.spans import Applied
from app.rack.requests.request import Request
from app.rack.requests.workplace import Workplace
from app.rack.snapshot import RequestState

LOOK_AGAIN_S: Final = 5.0
"""How often is looked whether phones suffice by now, though none came: one may be released from
jail, or have memory again."""
_SHORTEST_WAIT_S: Final = 0.01
"""A wait below what a clock can tell would not let time pass."""


@dataclass
class Pausing:
    """That of one request. Lives on the service loop."""

    request: Request
    workplace: Workplace
    _since_s: float | None = None
    """When it had to wait, the first time since it came further."""

    def came_further(self) -> None:
        """Count no more that it had to wait before."""
        self._since_s = None

    async def applied(self) -> Applied:
        """Return an assignment that stands, as soon as there is one.

        Raises `DoesNotFitError` where phones were too few for longer than a request may wait
        without coming any further.
        """
        while True:
            joined = self.workplace.fleet.joined
            try:
                return await self.workplace.assigner.current()
            except DoesNotFitError as shortage:
                await self._pause(shortage, joined)

    async def _pause(self, shortage: DoesNotFitError, joined: int) -> None:
        limit_s, now_s = self.workplace.pause_limit_s, self.workplace.clock.monotonic_s()
        if self._since_s is None:
            self._since_s = now_s
        left_s = self._since_s + limit_s - now_s
        if left_s <= 0:
            raise shortage
        reason = Fact("request.pauses", shortage=shortage.fact, limit=limit_s)
        if (self.request.state, self.request.state_reason) != (RequestState.PAUSED, reason):
            self.request.enter(RequestState.PAUSED, reason, now_s)
            self.workplace.changed()
        wait_s = min(max(left_s, _SHORTEST_WAIT_S), LOOK_AGAIN_S)
        await self.workplace.fleet.wait_until_joined(joined, wait_s)
