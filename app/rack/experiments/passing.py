"""One pass of an experiment: faults set, the workload run to its end, faults lifted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.core.tasks import Complete
from app.faults.experiments.outcome import Round
from app.faults.experiments.phases import ExperimentPhase
from app.faults.experiments.plan import Experiment
from app.faults.experiments.targets import Strike
from app.rack.commands import Ask
from app.rack.context import RackContext
from app.rack.experiments.observing import Observed
from app.rack.experiments.ports import Injecting, RackUnderTest
from app.rack.snapshot import TimelineKind

SETTLE_LIMIT_S: Final = 90.0
"""How long requests that were stopped may take to settle."""


class Pass:
    """Lives on the service loop, for the length of one pass."""

    def __init__(
        self,
        context: RackContext,
        rack: RackUnderTest,
        injector: Injecting,
        experiment: Experiment,
        number: int,
        strikes: Sequence[Strike],
        enter: Callable[[ExperimentPhase], None],
    ) -> None:
        """Take a pass; `number` 0 is the one without faults. `enter` is told each phase."""
        self._context = context
        self._rack = rack
        self._injector = injector
        self._experiment = experiment
        self._strikes = strikes
        self._enter = enter
        before = {phone.serial: phone.standing for phone in rack.phones}
        self.observed = Observed(number, context.clock.monotonic_s(), before)

    async def run(self, stop: asyncio.Event, right: tuple[int, ...] | None) -> Round:
        """Return what came of it; `right` is the text without faults. Raises `ShardloomError`.

        Faults are still set when it returns or raises: `restore` comes after it in any case.
        """
        await self._inject([each for each in self._strikes if each.after_s <= 0])
        self._enter(ExperimentPhase.RUNNING)
        await self._work(stop)
        await self._rack.refresh_standings()
        now_s, timeline = self._context.clock.monotonic_s(), self._context.timeline.events
        return self.observed.outcome(now_s, self._rack.phones, timeline, right)

    async def restore(self) -> None:
        """Lift every fault that was set; what cannot be lifted is told."""
        self._enter(ExperimentPhase.RESTORING)
        struck = {strike.fault.serial for strike in self._strikes}
        for phone in self._rack.phones:
            if phone.serial in struck and phone.fault is not None:
                await self._lift(phone.serial, phone.name)

    async def _lift(self, serial: Serial, name: str) -> None:
        try:
            await self._injector.lift(serial)
        except ShardloomError as error:
            self._tell(Fact("experiment.not_restored", phone=name, reason=error.fact))

    async def _inject(self, strikes: Sequence[Strike]) -> None:
        for strike in strikes:
            at_s = self._context.clock.monotonic_s()
            await self._injector.inject(strike.fault)
            self.observed.strikes.append((strike, at_s))

    async def _work(self, stop: asyncio.Event) -> None:
        workload, requests = self._experiment.workload, self.observed.requests
        for _ in range(workload.streams):
            asked = Ask(Complete(workload.prompt), workload.tokens)
            requests.append(self._rack.request(await self._rack.ask(asked)))
        striking = self._context.nursery.start(self._strike_later(), "late faults")
        tasks = [request.task for request in requests if request.task is not None]
        try:
            await self._wait(tasks, stop)
        finally:
            striking.cancel()
            for request in requests:
                request.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=SETTLE_LIMIT_S)

    async def _wait(self, tasks: Sequence[asyncio.Task[None]], stop: asyncio.Event) -> None:
        """Wait until every request has ended, time is up, or somebody stops it all."""
        stopping = self._context.nursery.start(_set(stop), "stop of an experiment")
        working = self._context.nursery.start(_ended(tasks), "work of an experiment")
        try:
            async with self._context.clock.timeout(self._experiment.duration_s):
                await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            self._tell(Fact("experiment.out_of_time", limit=self._experiment.duration_s))
        finally:
            stopping.cancel()
            working.cancel()

    async def _strike_later(self) -> None:
        later = [each for each in self._strikes if each.after_s > 0]
        for strike in sorted(later, key=lambda each: each.after_s):
            passed_s = self._context.clock.monotonic_s() - self.observed.began_s
            await self._context.clock.sleep(max(strike.after_s - passed_s, 0))
            try:
                await self._inject([strike])
            except ShardloomError as error:
                self._tell(Fact("experiment.not_injected", reason=error.fact))

    def _tell(self, told: Fact) -> None:
        self._context.timeline.add(TimelineKind.ERROR, told)
        self._context.changed()


async def _set(stop: asyncio.Event) -> None:
    await stop.wait()


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(tasks)
