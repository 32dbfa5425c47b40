"""Requested and applied assignments: planning them, moving from one to the other, repairing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

from app.core.assignment import Assignment
from app.core.errors import BadInputError, DoesNotFitError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.core.model import ModelManifest
from app.pipeline.failures import StageFailedError
from app.pipeline.groups import ComputeAndHop, group_count
from app.pipeline.step_limits import StepPace
from app.placement.asking.question import Planner
from app.placement.conditions import Conditions
from app.placement.prediction import Predictor
from app.placement.problem import Objective, Pin, PlacementProblem, Plan, Prediction
from app.rack.blocking import BlockingPool
from app.rack.context import RackContext
from app.rack.layers.distrust import Distrust
from app.rack.layers.hand_over import HandOver, moved
from app.rack.layers.problems import Problems, Proposal
from app.rack.layers.spans import Applied, SpanLoader
from app.rack.options import RackOptions
from app.rack.paths.path_finder import PathFinder
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.snapshot import TimelineKind

_Result = TypeVar("_Result")


class Assigner:
    """Owns the requested and the applied assignment. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        fleet: Fleet,
        loader: SpanLoader,
        path_finder: PathFinder,
        options: RackOptions,
        planning: BlockingPool,
        planner: Planner,
        *,
        use_all: bool,
    ) -> None:
        self.problems = Problems(fleet, path_finder, options, planning, planner, use_all=use_all)
        self.distrust = Distrust(context, fleet, self.problems, path_finder)
        self.objective = Objective.THROUGHPUT
        self.pins: tuple[Pin, ...] = ()
        self.requested: Assignment | None = None
        self.applied: Applied | None = None
        self.plan: Plan | None = None
        self.predictor: Predictor | None = None
        self.by_hand = False
        """Whether a person made the requested assignment, and no planner."""
        self._fleet = fleet
        self.loader = loader
        self._path_finder = path_finder
        self._timeline = context.timeline
        self._changed = context.changed
        self._slots = options.slots
        self._wishes = 0
        self._slowness: Mapping[Serial, float] = {}
        self._patience = context.patience
        self._moving = asyncio.Lock()
        self._nursery = context.nursery.child()
        self.hand_over = HandOver(self._nursery)
        self._making_whole: asyncio.Task[Applied] | None = None
        self._lacks_phones = False

    @property
    def model(self) -> ModelManifest | None:
        """The model that is to be on the phones."""
        return self.problems.model

    @model.setter
    def model(self, model: ModelManifest) -> None:
        self.problems.model = model

    @property
    def moving(self) -> bool:
        """Whether an assignment is on its way to the phones."""
        return self._moving.locked()

    @property
    def rings(self) -> tuple[tuple[Serial, ...], ...]:
        """The phones in ring order, as they work now and as they are to."""
        assignments = (self.applied.assignment if self.applied else None, self.requested)
        return tuple(assignment.serials for assignment in assignments if assignment)

    def holds_layers(self, serial: Serial) -> bool:
        """Tell whether the phone is part of the applied assignment."""
        return self.applied is not None and serial in self.applied.assignment.serials

    def predict(self, assignment: Assignment) -> Prediction | None:
        """Predict with the figures of the newest problem; None before there is one."""
        predictor = self.predictor
        if predictor is None:
            return None
        try:
            return predictor.predict(assignment)
        except BadInputError:
            return None

    async def replan(
        self, objective: Objective, pins: tuple[Pin, ...], conditions: Conditions | None = None
    ) -> None:
        """Make the planner's answer the requested assignment, unless another is wished meanwhile.

        A first one is adopted within a tenth of a second or so; what was searched for before has to
        hurry. Raises `DoesNotFitError` or `BadInputError`: assignment and conditions stay.
        """
        self._wishes += 1
        wish = self._wishes
        self.problems.hurry()
        with self.problems.asked.tried(conditions) as keep_conditions:

            def adopt(made: Proposal) -> None:
                if keep_conditions() and wish == self._wishes:
                    self.adopt(made)

            adopt(await self.problems.plan(objective, pins, heard=adopt))

    async def propose(self, spared: frozenset[Serial]) -> Proposal | None:
        """Plan with what is known of the phones now, for the objective and the pins in force.

        None where a person wished for something meanwhile. Phones that are spared hold layers only
        where the others do not suffice. Raises like `replan`.
        """
        objective, pins, wish = self.objective, self._pins_left(), self._wishes
        try:
            made = await self.problems.plan(objective, pins, spared)
        except (DoesNotFitError, BadInputError):
            if not spared:
                raise
            made = await self.problems.plan(objective, pins)
        return made if wish == self._wishes else None

    async def move_to(self, proposal: Proposal) -> Applied:
        """Make a proposal the requested assignment and put it on the phones.

        Raises `StageFailedError` for a phone that cannot take its part; what is applied is then the
        requested one too.
        """
        async with self._moving:
            self.adopt(proposal)
            try:
                return await self._apply()
            except StageFailedError:
                if self.applied is not None:
                    self.requested = self.applied.assignment
                raise

    async def _repair(self) -> None:
        """Request what brings the next token soon, unless a person wishes for what can be done.

        Where nothing is applied yet there is nothing to return to, and the best is requested.
        """
        if self.applied is None and self._can_be_applied():
            return
        objective, pins, wish = self.objective, self._pins_left(), self._wishes
        search = self.problems.plan if self.applied is None else self.problems.plan_repair
        made = await self.distrust.trusted(await search(objective, pins))
        if wish == self._wishes or not self._can_be_applied():
            self.adopt(made)

    def adopt(self, made: Proposal) -> None:
        """Make what was planned the requested assignment."""
        self.plan, self.predictor, self._slowness = made.plan, made.predictor, made.slowness
        self.objective, self.pins, self.by_hand = made.objective, made.pins, False
        self.requested = self.plan.assignment
        self._changed()

    def _can_be_applied(self) -> bool:
        return self.requested is not None and self.distrust.allows(self.requested)

    def request(self, assignment: Assignment) -> None:
        """Make an assignment made by hand the requested one.

        Raises `BadInputError` for one that breaks a condition, `DoesNotFitError`.
        """
        breach = self.problems.breach(assignment)
        if breach is not None:
            raise BadInputError(breach)
        prediction = self._renewed_predictor().predict(assignment)
        short = [stage for stage in prediction.stages if not stage.fits]
        if short:
            missing = -short[0].headroom_bytes
            name = self._fleet.phones[short[0].serial].name
            raise DoesNotFitError(
                "layers.phone_lacks", phone=name, size=missing, missing_bytes=missing
            )
        self._wishes += 1
        self.requested, self.by_hand = assignment, True
        self._changed()

    async def apply(self) -> Applied:
        """Put the requested assignment on the phones; running requests follow by themselves."""
        async with self._moving:
            return await self._apply()

    async def current(self) -> Applied:
        """Return an assignment whose phones all answer, making one where there is none.

        All who ask meanwhile wait for the same work. Raises `DoesNotFitError` where the phones that
        are left cannot hold the model.
        """
        if self._making_whole is None or self._making_whole.done():
            self._making_whole = self._nursery.start(self._make_whole(), "making the ring whole")
            self._making_whole.add_done_callback(_hear_of_failure)
        return await asyncio.shield(self._making_whole)

    async def _make_whole(self) -> Applied:
        async with self._moving:
            try:
                while not self._healthy() or not await self._connected():
                    with suppress(StageFailedError):
                        await self._mend()
            except DoesNotFitError as shortage:
                self._tell_shortage(shortage)
                raise
            applied = self.applied
            if applied is None:
                raise ShardloomError("layers.none_applied")
            self._lacks_phones = False
            return applied

    def _tell_shortage(self, shortage: DoesNotFitError) -> None:
        """Say it once, however many wait, where layers were on phones before."""
        if self.applied is not None and not self._lacks_phones:
            self._lacks_phones = True
            self._timeline.add(TimelineKind.ERROR, shortage.fact)

    async def _connected(self) -> bool:
        """Tell whether each phone of the ring reaches the next; one that cannot is lost."""
        applied = self.applied
        if applied is None:
            return True
        ring = [self._fleet.phones[serial] for serial in applied.assignment.serials]
        try:
            applied.closed = await self._loaded(self._path_finder.connect(ring))
        except StageFailedError:
            return False
        return True

    async def broken_ways(self, serials: Sequence[Serial]) -> list[tuple[Phone, Phone]]:
        """Return the ways of a ring that carry nothing any more; others are looked for.

        Raises `StageFailedError` for a phone that does not answer.
        """
        return await self._path_finder.recheck([self._fleet.phones[serial] for serial in serials])

    async def relieve(self, phone: Phone) -> None:
        """Unload layers that a phone kept while it was away and that others have now."""
        async with self._moving:
            await self.loader.drop_kept(phone)

    async def drop(self) -> None:
        """Take the applied assignment off the phones, for another model."""
        applied, self.applied = self.applied, None
        self._wishes += 1
        self.requested = self.plan = self.predictor = None
        self.pins = ()
        if applied is not None:
            self._retire(applied)
        self._changed()

    async def stop(self) -> None:
        """Repair nothing more and stop waiting for old assignments to empty."""
        await self._nursery.close()

    @property
    def is_broken(self) -> bool:
        """Whether phones that are applied to are gone, or have new workers without layers."""
        return self.applied is not None and not self._healthy()

    def _healthy(self) -> bool:
        """Tell whether the workers that hold the layers still answer; new ones hold nothing yet."""
        applied, phones = self.applied, self._fleet.phones
        if applied is None or not self.distrust.allows(applied.assignment):
            return False
        return all(phones[stage.serial].client is stage.client for stage in applied.stages)

    async def _mend(self) -> None:
        """Load layers again where workers are new; else move them.

        Raises `StageFailedError` for a phone that cannot take its part, `DoesNotFitError`.
        """
        if not await self._reload():
            await self._repair()
            await self._apply()

    async def _reload(self) -> bool:
        """Give phones that are back the layers they held; false where some phone is not."""
        applied, phones = self.applied, self._fleet.phones
        if applied is None or not self.distrust.allows(applied.assignment):
            return False
        for serial in await self._loaded(self.loader.reload(applied, phones)):
            told = Fact("layers.held_again", phone=phones[serial].name)
            self._timeline.add(TimelineKind.MOVE, told, serial)
        self._changed()
        return True

    def _pins_left(self) -> tuple[Pin, ...]:
        usable = {phone.serial for phone in self._fleet.usable}
        return tuple(pin for pin in self.pins if pin.serial in usable)

    async def _apply(self) -> Applied:
        requested, model = self.requested, self.model
        if requested is None or model is None:
            raise ShardloomError("layers.none_requested")
        if self.applied is not None and self.applied.assignment == requested and self._healthy():
            return self.applied
        times = self._stage_times(requested)
        groups = group_count(times, self._slots)
        pace = StepPace(times, self._patience)
        applied = await self._loaded(
            self.loader.load(model, requested, self._fleet.phones, groups, pace)
        )
        await self._hand_over(applied)
        previous, self.applied = self.applied, applied
        self._forget_stage_times(previous)
        applied.expected_s = {
            stage.serial: each.compute_s / self._slowness.get(stage.serial, 1.0)
            for stage, each in zip(requested.stages, times, strict=True)
        }
        self._renewed_predictor()
        if previous is not None:
            told = moved(previous.assignment, requested, self._fleet.name_of)
            self._timeline.add(TimelineKind.MOVE, told)
            self._retire(previous)
        self._changed()
        return applied

    async def _hand_over(self, applied: Applied) -> None:
        """Have texts read by the phones that layers move to, while the others answer."""
        ring = [self._fleet.phones[serial] for serial in applied.assignment.serials]
        connect = partial(self._path_finder.connect, ring)
        try:
            await self.hand_over.prepare(applied, connect, self._healthy)
        except asyncio.CancelledError:
            self._retire(applied)
            raise

    async def _loaded(self, loading: Awaitable[_Result]) -> _Result:
        """Wait for phones to take their layers; the one that cannot is lost."""
        try:
            return await loading
        except StageFailedError as failure:
            phone = self._fleet.phones[failure.serial]
            self._fleet.mark_lost(phone, failure.fact.but(phone=phone.name))
            raise

    def _forget_stage_times(self, previous: Applied | None) -> None:
        """Forget what phones took for other layers than they hold now."""
        before = previous.assignment.stages if previous else ()
        after = self.applied.assignment.stages if self.applied else ()
        unchanged = {stage.serial for stage in set(before) & set(after)}
        for serial, phone in self._fleet.phones.items():
            if serial not in unchanged:
                phone.worker.stage_ms = phone.worker.stage_at_s = None

    def _stage_times(self, assignment: Assignment) -> list[ComputeAndHop]:
        """Return what a token is predicted to take at each stage; 0 where nothing is predicted."""
        prediction = self.predict(assignment)
        if prediction is None:
            return [ComputeAndHop(0.0, 0.0)] * len(assignment.stages)
        return [ComputeAndHop(stage.compute_s, stage.hop_s) for stage in prediction.stages]

    def _retire(self, applied: Applied) -> None:
        self._nursery.start_soon(self.loader.retire(applied), "unloading of what was applied")

    def problem(self) -> PlacementProblem:
        """Return what the planner would be asked now. Raises `ShardloomError` without phones."""
        return self.problems.problem(self.objective, self.pins, self.problems.candidates())

    def problem_with(self, model: ModelManifest) -> PlacementProblem:
        """Return what the planner would be asked with another model. Raises `ShardloomError`."""
        problem = self.problems.problem(self.objective, (), self.problems.candidates(), model)
        return replace(problem, use_all=False)

    def _renewed_predictor(self) -> Predictor:
        """Predict by what is known of the phones now."""
        self.predictor = self.problems.predictor(self.objective, self.pins)
        self._slowness = self.problems.known_slowness
        return self.predictor


def _hear_of_failure(ended: asyncio.Task[Applied]) -> None:
    """Take the failure from a task of which all who waited may have gone."""
    if not ended.cancelled():
        ended.exception()
