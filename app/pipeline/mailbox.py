"""What workers say of one transaction, with who said it; nobody can fill the host's memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from app.core.clock import Clock
from app.core.identifiers import Serial
from app.pipeline.ring_messages import StepAnswer
from workers.protocol.told import Broken

MOST_UNREAD: Final = 128
"""Messages of one worker; a closed ring runs at most 32 tokens ahead of who reads them."""


@dataclass(frozen=True)
class Letter:
    """A message and the worker whose own socket it came through."""

    sender: Serial
    message: StepAnswer | Broken
    heard_s: float = 0.0
    """When it came, monotonic; noted by the mailbox."""


class Mailbox:
    """Takes letters in the order in which they came. Lives on the service loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._letters: asyncio.Queue[Letter] = asyncio.Queue()
        self._unread: Counter[Serial] = Counter()

    def put(self, letter: Letter) -> bool:
        """Keep a letter; return false where its sender has too many unread ones already."""
        if self._unread[letter.sender] >= MOST_UNREAD:
            return False
        self._unread[letter.sender] += 1
        self._letters.put_nowait(replace(letter, heard_s=self._clock.monotonic_s()))
        return True

    async def next(self, limit_s: float) -> Letter | None:
        """Return the oldest letter, or None where none comes within so many seconds."""
        try:
            async with self._clock.timeout(limit_s):
                letter = await self._letters.get()
        except TimeoutError:
            return None
        self._unread[letter.sender] -= 1
        return letter
