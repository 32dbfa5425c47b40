"""A text is read where its layers move to, while those who hold them still write on.

What is read there is an attempt of its own that asks for no token: journalled, signed for and
audited like any other. Its rows stay in a slot, where the text finds them once its layers have
moved; what then is left to read is a few rows and what was written meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from app.pipeline.attempt import Attempt
from app.pipeline.failures import DisputedRowsError, StageFailedError, StepLostError
from app.pipeline.prompts.slot_contents import Wanted
from app.pipeline.slots import Seat
from app.rack.layers.spans import Applied
from app.rack.requests.request import Request
from app.rack.requests.workplace import Workplace

MOST_READINGS: Final = 3
"""How often what was written meanwhile is read too."""
LEAST_ROWS: Final = 16
"""Fewer, or fewer than a chunk has, are read sooner once the layers have moved than by an attempt
of their own."""


@dataclass
class ReadingAhead:
    """Reads one request's text, at most on one assignment at a time. Lives on the service loop."""

    request: Request
    workplace: Workplace
    wanted: Callable[[Applied], Wanted]
    begun: Callable[[Applied, Seat], Awaitable[Attempt]]
    """Journals the opening of an attempt."""
    concluded: Callable[[Attempt, Applied], Awaitable[None]]
    """Has what was read signed for and checked, and frees it on the phones."""
    _reading: asyncio.Task[None] | None = None

    def begin(self, applied: Applied) -> asyncio.Task[None] | None:
        """Begin to read; None where it is being read somewhere already."""
        if self._reading is not None and not self._reading.done():
            return None
        self._reading = self.workplace.nursery.start(
            self._read(applied), f"reading ahead of {self.request.identifier}"
        )
        return self._reading

    async def end(self) -> None:
        """Read no more; what was read until now is signed for."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait({reading})

    async def _read(self, applied: Applied) -> None:
        """Read what there is, and what was written meanwhile, while that leaves less for later."""
        request, read = self.request, 0
        least = min(LEAST_ROWS, self.workplace.chunk_tokens)
        for _ in range(MOST_READINGS):
            text = (*request.prompt_tokens, *request.tokens)
            if len(text) - read < least or not await self._read_once(applied, text):
                return
            read = len(text)

    async def _read_once(self, applied: Applied, text: tuple[int, ...]) -> bool:
        """Leave a text's rows in a slot; false where some phone failed, which then shows again."""
        seat = await applied.slots.take(self.wanted(applied))
        try:
            attempt = await self.begun(applied, seat)
            try:
                await attempt.open()
                await attempt.read(text, len(text) - len(self.request.prompt_tokens))
            except (StageFailedError, StepLostError, DisputedRowsError):
                return False
            finally:
                attempt.leave_group()
                await self.concluded(attempt, applied)
        finally:
            applied.slots.give_back(seat)
        return True
