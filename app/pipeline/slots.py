"""The slots of an applied assignment: which are free, and which group each belongs to."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from app.core.nursery import Nursery
from app.pipeline.groups import DecodeGroup
from app.pipeline.worker_client import WorkerClient


@dataclass(frozen=True)
class Seat:
    """A slot on every stage and the group it decodes with."""

    slot: int
    group: DecodeGroup


class SlotPool:
    """Hands out slots, those of the group with fewest in use first. Lives on the service loop."""

    def __init__(
        self, slots: int, groups: int, first_stage: WorkerClient, nursery: Nursery
    ) -> None:
        bounds = [slots * group // groups for group in range(groups + 1)]
        self._nursery = nursery
        self._groups = [DecodeGroup(first_stage, nursery) for _ in range(groups)]
        self._free = [set(range(start, end)) for start, end in pairwise(bounds)]
        self._taken: dict[int, int] = {}
        """Group of each slot in use."""
        self._left = asyncio.Semaphore(slots)
        self._unused = asyncio.Event()
        self._unused.set()

    async def take(self) -> Seat:
        """Wait for a free slot and take the lowest of the emptiest group."""
        await self._left.acquire()
        used = Counter(self._taken.values())
        open_groups = (group for group, free in enumerate(self._free) if free)
        group = min(open_groups, key=lambda group: used[group])
        slot = min(self._free[group])
        self._free[group].remove(slot)
        self._taken[slot] = group
        self._unused.clear()
        return Seat(slot, self._groups[group])

    def give_back(self, seat: Seat) -> None:
        """Return a slot."""
        self._free[self._taken.pop(seat.slot)].add(seat.slot)
        if not self._taken:
            self._unused.set()
        self._left.release()

    def renew(self, first_stage: WorkerClient) -> None:
        """Let seats taken from now on decode with others of their own, through a new connection."""
        self._groups = [DecodeGroup(first_stage, self._nursery) for _ in self._groups]

    async def wait_until_unused(self) -> None:
        """Return once no slot is in use."""
        await self._unused.wait()
