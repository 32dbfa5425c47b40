"""Whose turn it is: a rack that is busy serves keys in turn, however much one of them asks for.

Start-time fair queueing (Goyal et al. 1996, section 2): each key has the share of work that it was
given so far, and of those that wait the one with the smallest goes next. Who comes after a rest
starts at the share of who was served last, so that no turns can be saved up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from app.core.clock import Clock
from app.gateway.errors import ApiError

MOST_WAITING: Final = 1024
MOST_WAITING_EACH: Final = 256
"""Of one key."""
_FIRST_GUESS_S: Final = 5.0
_LONGEST_RETRY_S: Final = 120.0
_NEWEST_SHARE: Final = 0.2
"""Weight of the newest turn in the length of a usual one."""


@dataclass
class Turn:
    """The right to have so many requests computed; given back once, however often that is asked."""

    queue: FairQueue
    weight: int
    begun_s: float
    over: bool = False

    def release(self) -> None:
        """Let the next one have it."""
        if not self.over:
            self.over = True
            self.queue.take_back(self)


@dataclass
class _WaitingTurn:
    weight: int
    served: asyncio.Future[Turn]


class FairQueue:
    """Turns among keys. Lives on one event loop; there are as many keys as the operator made."""

    def __init__(self, places: int, clock: Clock) -> None:
        """Let requests be computed until their weights fill the places."""
        self.running = 0
        self._places = places
        self._clock = clock
        self._lines: dict[str, deque[_WaitingTurn]] = {}
        self._shares: dict[str, float] = {}
        self._share_now = 0.0
        self._usual_s = _FIRST_GUESS_S

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._lines.values()))

    async def turn(self, key: str, weight: int = 1) -> Turn:
        """Return once it is the key's turn. Raises `ApiError` 429 where too many wait already."""
        line = self._lines.get(key, deque())
        if len(line) >= MOST_WAITING_EACH or self.waiting >= MOST_WAITING:
            status, wait_s = HTTPStatus.TOO_MANY_REQUESTS, self._retry_after_s()
            raise ApiError(status, "gateway.queue_full", retry_after_s=wait_s)
        if not line:
            self._shares[key] = max(self._shares.get(key, 0.0), self._share_now)
            self._lines[key] = line
        mine = _WaitingTurn(weight, asyncio.get_running_loop().create_future())
        line.append(mine)
        self._serve()
        try:
            return await mine.served
        except asyncio.CancelledError:
            self._leave(key, mine)
            raise

    def take_back(self, turn: Turn) -> None:
        """Count a turn as over and serve who is next."""
        took_s = self._clock.monotonic_s() - turn.begun_s
        self._usual_s += _NEWEST_SHARE * (took_s - self._usual_s)
        self.running -= turn.weight
        self._serve()

    def _leave(self, key: str, mine: _WaitingTurn) -> None:
        """Forget who was cancelled, be it while waiting or just when it was served."""
        if mine.served.done() and not mine.served.cancelled():
            mine.served.result().release()
        elif mine in self._lines.get(key, ()):
            self._lines[key].remove(mine)
            self._forget_empty(key)

    def _serve(self) -> None:
        """Serve who is next while there is a place: the last one served may take more than that."""
        while self._lines and self.running < self._places:
            key = min(self._lines, key=lambda each: self._shares[each])
            next_one = self._lines[key].popleft()
            self._forget_empty(key)
            if next_one.served.cancelled():
                continue
            self._share_now = self._shares[key]
            self._shares[key] += next_one.weight
            self.running += next_one.weight
            next_one.served.set_result(Turn(self, next_one.weight, self._clock.monotonic_s()))

    def _forget_empty(self, key: str) -> None:
        if not self._lines[key]:
            del self._lines[key]

    def _retry_after_s(self) -> float:
        rounds = self.waiting / self._places
        return min(max(rounds * self._usual_s, 1.0), _LONGEST_RETRY_S)
