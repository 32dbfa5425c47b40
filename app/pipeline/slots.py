"""The slots of an applied assignment: which are free, what each holds, which group it is of."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from app.core.identifiers import TransactionId
from app.core.nursery import Nursery
from app.pipeline.groups import DecodeGroup
from app.pipeline.prompts.slot_contents import SlotContents, Wanted
from app.pipeline.prompts.step_record import KeptPrefix, StepRecord
from app.pipeline.worker_client import WorkerClient


@dataclass(frozen=True)
class Seat:
    """A slot on every stage and the group it decodes with."""

    slot: int
    group: DecodeGroup
    prefix: KeptPrefix | None = None
    """Rows to begin with, where all stages still have them."""
    wanted: Wanted = field(default_factory=Wanted)


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
        self.contents = SlotContents()
        self._left = asyncio.Semaphore(slots)
        self._unused = asyncio.Event()
        self._unused.set()

    @property
    def in_use(self) -> tuple[int, int]:
        """How many slots are taken, and of how many."""
        free = sum(map(len, self._free))
        return len(self._taken), len(self._taken) + free

    async def take(self, wanted: Wanted | None = None) -> Seat:
        """Wait for a free slot and take one of the emptiest groups.

        The seat tells what of the text is still in some slot; it is reused from there.
        """
        wanted = wanted or Wanted()
        await self._left.acquire()
        used = Counter(self._taken.values())
        open_groups = [group for group, free in enumerate(self._free) if free]
        least = min(used[group] for group in open_groups)
        emptiest = [group for group in open_groups if used[group] == least]
        owners = {slot: group for group in emptiest for slot in self._free[group]}
        prefix = self.contents.longest(wanted)
        slot = self.contents.choose(owners, wanted, prefix)
        group = owners[slot]
        self._free[group].remove(slot)
        self._taken[slot] = group
        self._unused.clear()
        return Seat(slot, self._groups[group], prefix, wanted)

    def keep(
        self,
        seat: Seat,
        transaction: TransactionId,
        done: Sequence[StepRecord],
        ancestors: frozenset[TransactionId],
        *,
        goes_on: bool = False,
    ) -> int:
        """Note what every stage has done in a seat's slot; return how many steps to keep there.

        Those of its answer are among them where the same text `goes_on` in another attempt.
        """
        return self.contents.note(
            seat.slot, transaction, done, seat.wanted, ancestors, goes_on=goes_on
        )

    def forget(self, transaction: TransactionId) -> None:
        """Reuse no row that a transaction computed, wherever it was copied to."""
        self.contents.forget(transaction)

    def give_back(self, seat: Seat) -> None:
        """Return a slot."""
        self._free[self._taken.pop(seat.slot)].add(seat.slot)
        if not self._taken:
            self._unused.set()
        self._left.release()

    def renew(self, first_stage: WorkerClient) -> None:
        """Let seats taken from now on decode with others of their own, through a new connection.

        Workers that are new hold nothing of what was there before.
        """
        self.contents.clear()
        self._groups = [DecodeGroup(first_stage, self._nursery) for _ in self._groups]

    async def wait_until_unused(self) -> None:
        """Return once no slot is in use."""
        await self._unused.wait()
