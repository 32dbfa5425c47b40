"""What follows when an attempt ends: it is signed for, journalled, read once and checked.

That takes longer than a text should stand still. Where phones were lost or layers moved the text
goes on elsewhere meanwhile; where the same phones go on, or one of them is to be judged, it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Final, TypeVar

from app.core.identifiers import Serial, TransactionId
from app.pipeline.attempt import Attempt
from app.pipeline.slots import Seat, SlotPool
from app.rack.layers.spans import Applied
from app.rack.requests.request import Request
from app.rack.requests.workplace import Workplace
from app.rack.settlement.concluded import AttemptOutcome
from workers.identity.receipts import ReceiptBody

LONGEST_WAIT_S: Final = 3.0
"""How long reading a text once waits at most until it goes on: seats are held meanwhile."""
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class PendingCheck:
    """An attempt that ended, where its answers start in the request, and its check."""

    transaction: TransactionId
    first_answer: int
    answers: int
    check: asyncio.Task[AttemptOutcome]
    slots: SlotPool
    """Where what was computed may lie still."""


@dataclass(frozen=True)
class EndedAttempt:
    """An attempt, the answers that it gave and how long it took.

    One that only read gave none, whatever was written meanwhile.
    """

    attempt: Attempt
    applied: Applied
    first_answer: int
    answers: int
    text_s: float
    goes_on_elsewhere: bool = False
    """Whether nobody can use the rows that it leaves in its slot."""


@dataclass
class AttemptEnds:
    """Those of one request's attempts. Lives on the service loop."""

    request: Request
    workplace: Workplace
    stop: Event = field(default_factory=Event)
    """Set once nobody waits for the text any more: what takes long ends then."""
    pending: list[PendingCheck] = field(default_factory=list)
    _later: list[asyncio.Task[Mapping[Serial, ReceiptBody]]] = field(default_factory=list)
    _goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def end(self, ended: EndedAttempt, seat: Seat) -> Mapping[Serial, ReceiptBody]:
        """Have an attempt signed for, give its seat back and return what was signed.

        Of one whose text goes on elsewhere nothing is waited for, and nothing returned.
        """
        if not ended.goes_on_elsewhere:
            return await self.to_its_end(self._end(ended, seat))
        self._goes_on.clear()
        self._later.append(self._started(self._end(ended, seat)))
        return {}

    def text_goes_on(self) -> None:
        """Read what was written so far from now on: the next token has come."""
        self._goes_on.set()

    async def all_ended(self) -> None:
        """Wait for all that was not waited for. Raises what the first of these raised then."""
        self._goes_on.set()
        if self._later:
            await asyncio.wait(self._later)
        ended, self._later = self._later, []
        for found in await asyncio.gather(*ended, return_exceptions=True):
            if isinstance(found, BaseException):
                raise found

    async def to_its_end(self, work: Coroutine[object, object, _Result]) -> _Result:
        """Wait until something is done, also where the request is stopped meanwhile."""
        task = self._started(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.stop.set()
            await task
            raise

    def _started(self, work: Coroutine[object, object, _Result]) -> asyncio.Task[_Result]:
        return self.workplace.nursery.start(work, f"end of {self.request.identifier}'s attempt")

    async def _end(self, ended: EndedAttempt, seat: Seat) -> Mapping[Serial, ReceiptBody]:
        try:
            return await self.concluded(ended)
        finally:
            ended.applied.slots.give_back(seat)

    async def concluded(self, ended: EndedAttempt) -> Mapping[Serial, ReceiptBody]:
        """Have an attempt signed for, begin its check, and return what was signed."""
        attempt, applied, kept_steps = ended.attempt, ended.applied, 0
        try:
            await attempt.drain()
            phones, wait = self.workplace.fleet.phones, self._until_it_goes_on
            concluded = await self.workplace.settlement.conclude(
                attempt,
                applied,
                phones,
                ended.text_s,
                self.stop,
                wait if ended.goes_on_elsewhere else None,
            )
            self.request.text_s += ended.text_s
            if concluded.whole is not None:
                self.request.check_s += concluded.whole.took_s
            if concluded.withheld:
                applied.slots.forget(attempt.transaction)
            elif not ended.goes_on_elsewhere:
                kept_steps = self.keep(attempt, applied)
        finally:
            await attempt.close(kept_steps)
        await self.workplace.penalties.jail(attempt.transaction, concluded.withheld)
        await self.workplace.penalties.tell_overclaimed(concluded.overclaimed)
        self.request.receipts += len(concluded.bodies)
        check = self.workplace.nursery.start(
            self.workplace.settlement.check(concluded), f"check of {attempt.transaction}"
        )
        self.pending.append(
            PendingCheck(
                attempt.transaction, ended.first_answer, ended.answers, check, applied.slots
            )
        )
        return concluded.bodies

    async def _until_it_goes_on(self) -> None:
        """Leave the processors to what the next token needs."""
        with suppress(TimeoutError):
            async with self.workplace.clock.timeout(LONGEST_WAIT_S):
                await self._goes_on.wait()

    def keep(self, attempt: Attempt, applied: Applied) -> int:
        """Let others begin with what every stage has done; return how many steps to keep."""
        return applied.slots.keep(
            attempt.seat,
            attempt.transaction,
            attempt.done,
            attempt.ancestors,
            goes_on=not self.request.complete,
        )
