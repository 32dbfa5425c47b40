"""Before layers move: their new phones read the texts under way, while the old ones write on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from app.core.assignment import Assignment, StageAssignment
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.core.nursery import Nursery
from app.rack.layers.spans import Applied

LONGEST_S: Final = 60.0
"""What a move waits for at most: whatever is not read by then is read after it."""
LOOK_S: Final = 0.1

Names = Callable[[Serial], str]


class HandOver:
    """Has texts read where layers move to. Lives on the service loop."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self.read: Callable[[Applied], Awaitable[None]] | None = None
        """Reads what is being written on phones that its layers move to."""

    async def prepare(
        self,
        applied: Applied,
        connect: Callable[[], Awaitable[bool]],
        goes_on: Callable[[], bool],
    ) -> None:
        """Have texts read by an assignment's phones, as long as those before `goes_on`.

        Nothing here fails: what could not be read is read once layers have moved.
        """
        if self.read is None or not goes_on():
            return
        try:
            applied.closed = await connect()
        except ShardloomError:
            return
        reading = self._nursery.start(_awaited(self.read(applied)), "reading ahead of a move")
        until_s = asyncio.get_running_loop().time() + LONGEST_S
        try:
            while not reading.done() and goes_on():
                if asyncio.get_running_loop().time() >= until_s:
                    break
                await asyncio.wait({reading}, timeout=LOOK_S)
        finally:
            reading.cancel()
        await asyncio.wait({reading})


async def _awaited(work: Awaitable[None]) -> None:
    await work


def moved(before: Assignment, after: Assignment, name_of: Names) -> Fact:
    """Return which phones hold other layers than before."""
    changed = tuple(
        _now_held(name_of(stage.serial), stage)
        for stage in after.stages
        if before.stage_of(stage.serial) != stage
    )
    return Fact("layers.moved", moved=changed) if changed else Fact("layers.renewed")


def _now_held(phone: str, stage: StageAssignment) -> Fact:
    first, last = stage.first_layer, stage.last_layer
    if first == last:
        return Fact("layers.now_one", phone=phone, layer=first)
    return Fact("layers.now_several", phone=phone, first=first, last=last)
