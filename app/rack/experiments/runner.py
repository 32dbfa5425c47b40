"""Carries out one experiment at a time and keeps the record of it."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from app.core.audit_outcome import CheckMode
from app.core.device import DeviceState
from app.core.errors import BadInputError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.faults.experiments.archive import ExperimentArchive, new_identifier
from app.faults.experiments.outcome import ExperimentRecord
from app.faults.experiments.phases import ExperimentPhase
from app.faults.experiments.plan import Experiment
from app.faults.experiments.status import ExperimentStatus
from app.faults.experiments.targets import Candidate, strikes_of
from app.rack.context import RackContext
from app.rack.events.values import write_as
from app.rack.experiments.experiment_run import ExperimentRun
from app.rack.experiments.passing import Pass
from app.rack.experiments.ports import Injecting, RackUnderTest
from app.rack.snapshot import TimelineKind

WHOLE_LIMIT_S: Final = 60.0
"""How long phones may take to be there again before a pass."""


class ExperimentRunner:
    """Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        rack: RackUnderTest,
        injector: Injecting,
        archive: ExperimentArchive,
    ) -> None:
        self._context = context
        self._rack = rack
        self._injector = injector
        self._archive = archive
        self._running: ExperimentRun | None = None
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._closing = False

    @property
    def status(self) -> ExperimentStatus | None:
        """How the newest experiment stands; None before the first."""
        now = self._running
        if now is None:
            return None
        return ExperimentStatus(
            identifier=now.identifier,
            name=now.experiment.name,
            phase=now.phases.now,
            round=now.number,
            repeat=now.experiment.repeat,
            targets=now.targets,
            began_s=now.began_s,
            ends_s=now.began_s + now.experiment.duration_s,
        )

    async def start(self, experiment: Experiment) -> str:
        """Begin an experiment; returns what it is called in the archive.

        Its targets are counted first. Raises `BadInputError` where there are none, a fault cannot
        be brought about on this rack, or something else runs.
        """
        if self._task is not None and not self._task.done():
            raise BadInputError("experiment.running")
        if self._rack.busy:
            raise BadInputError("experiment.rack_busy")
        for strike in strikes_of(experiment, self._candidates()):
            self._injector.check(strike.fault)
        wall_ms = self._context.clock.wall_ms()
        running = ExperimentRun(new_identifier(experiment.name, wall_ms), wall_ms, experiment)
        await self._keep(running, Fact("experiment.unfinished"))
        self._running = running
        self._stop.clear()
        self._tell(Fact("experiment.began", name=experiment.name))
        self._task = self._context.nursery.start(self._run(running), "experiment")
        return running.identifier

    async def stop(self) -> None:
        """Break the experiment off; it restores, and is kept as far as it came."""
        self._stop.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """End with the rack, whose workers end too: nothing is left to restore."""
        self._closing = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, running: ExperimentRun) -> None:
        workload, checks = running.experiment.workload, self._rack.checks()
        stopped: Fact | None = Fact("experiment.unfinished")
        try:
            if workload.audit_rate is not None:
                await self._rack.set_checks(workload.audit_rate, CheckMode.OFF)
            await self._passes(running)
            stopped = Fact("experiment.stopped") if self._stop.is_set() else None
        except ShardloomError as error:
            stopped = error.fact
        except TimeoutError:
            stopped = Fact("experiment.not_whole", limit=WHOLE_LIMIT_S)
        finally:
            await self._rack.set_checks(checks.audit_rate, checks.mode)
            await self._keep(running, stopped)
            if running.phases.now is ExperimentPhase.INJECTING:
                self._enter(ExperimentPhase.RESTORING)
            self._enter(ExperimentPhase.FINISHED)
            self._tell(Fact("experiment.finished", name=running.experiment.name))

    async def _passes(self, running: ExperimentRun) -> None:
        experiment = running.experiment
        first = 0 if experiment.control else 1
        for number in range(first, experiment.repeat + 1):
            if self._stop.is_set():
                return
            if number > first:
                self._enter(ExperimentPhase.INJECTING)
            await self._rack.refresh_standings()
            jailed = self._jailed()
            await self._pass(running, number)
            released = sorted(self._jailed() - jailed)
            async with self._context.clock.timeout(WHOLE_LIMIT_S):
                await self._rack.make_whole(released)

    def _jailed(self) -> set[Serial]:
        return {each.serial for each in self._rack.phones if each.state is DeviceState.JAILED}

    async def _pass(self, running: ExperimentRun, number: int) -> None:
        experiment = running.experiment
        strikes = strikes_of(experiment, self._candidates(), number) if number else ()
        one = Pass(
            self._context, self._rack, self._injector, experiment, number, strikes, self._enter
        )
        running.number, running.began_s = number, one.observed.began_s
        running.targets = tuple(strike.fault.serial for strike in strikes)
        try:
            running.rounds.append(await one.run(self._stop, running.control if number else None))
        finally:
            if not self._closing:
                await one.restore()
        requests = one.observed.requests
        if number == 0 and running.rounds[0].requests[0].finished:
            running.control = tuple(requests[0].tokens)

    def _candidates(self) -> list[Candidate]:
        ring = self._rack.ring
        return [
            Candidate(
                phone.serial,
                phone.position,
                ring.index(phone.serial) if phone.serial in ring else None,
            )
            for phone in self._rack.phones
            if phone.usable
        ]

    async def _keep(self, running: ExperimentRun, stopped: Fact | None) -> None:
        record = ExperimentRecord(
            identifier=running.identifier,
            wall_ms=running.wall_ms,
            rack=self._rack.rack_name,
            model=self._rack.model_name,
            experiment=running.experiment,
            rounds=tuple(running.rounds),
            stopped=json.dumps(write_as(Fact, stopped)) if stopped else "",
        )
        await self._context.pool.run(self._archive.keep, record)

    def _enter(self, phase: ExperimentPhase) -> None:
        if self._running is not None and self._running.phases.now is not phase:
            self._running.phases.enter(phase)
            self._context.changed()

    def _tell(self, told: Fact) -> None:
        self._context.timeline.add(TimelineKind.INFO, told)
        self._context.changed()
