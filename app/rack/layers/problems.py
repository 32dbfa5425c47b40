"""What the planner is asked: the phones as they are known now, the links and the model."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.assignment import Assignment
from app.core.device import DeviceProfile
from app.core.errors import DoesNotFitError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.core.model import ModelManifest
from app.core.standard.rules import WorkNeed, kept_from
from app.core.vitals import Charging, DeviceVitals
from app.placement.asking.question import FIRST_ANSWER_S, Planner, PlannerQuestion
from app.placement.conditions import UNTOLD, Conditions, PhoneBody, UnmetRules
from app.placement.prediction import Predictor
from app.placement.problem import Objective, Pin, PlacementProblem, Plan, Prediction
from app.placement.rebalancing.recorded import slower_than_others
from app.rack.blocking import BlockingPool
from app.rack.layers.asked_conditions import AskedConditions
from app.rack.layers.quotes import reckoned_prices
from app.rack.options import RackOptions
from app.rack.paths.path_finder import PathFinder
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone

PLANNING_BUDGET_S: Final = 0.9
"""How long the planner searches for something better than it has: the answer is there in a second.
"""
REPAIR_BUDGET_S: Final = 0.1
"""The same while texts stand still."""


@dataclass(frozen=True)
class Proposal:
    """A plan, and how it was made."""

    plan: Plan
    predictor: Predictor
    """Predicts every assignment a person could make."""
    objective: Objective
    pins: tuple[Pin, ...]
    slowness: Mapping[Serial, float]
    """How many times slower than their profiles the phones were taken for."""


class Problems:
    """Makes the placement problems of one rack and has them solved. Lives on the service loop."""

    def __init__(
        self,
        fleet: Fleet,
        path_finder: PathFinder,
        options: RackOptions,
        planning: BlockingPool,
        planner: Planner,
        *,
        use_all: bool,
    ) -> None:
        self.model: ModelManifest | None = None
        self.slowness: Mapping[Serial, float] = {}
        """How many times slower than its profile a phone is by what its stages took."""
        self._fleet = fleet
        self._path_finder = path_finder
        self._options = options
        self._planning = planning
        self._planner = planner
        self._use_all = use_all
        self.asked = AskedConditions(options.conditions)

    @property
    def conditions(self) -> Conditions:
        """What is asked of every plan; phones by serial, or by names as a rack file has them."""
        return self.asked.newest

    async def plan(
        self,
        objective: Objective,
        pins: tuple[Pin, ...],
        spared: frozenset[Serial] = frozenset(),
        heard: Callable[[Proposal], object] | None = None,
    ) -> Proposal:
        """Have the planner search, without the phones that are spared. Raises like the planner.

        `heard` is called on the loop with a first answer that the last one is no worse than.
        """
        first_s = math.inf if heard is None else FIRST_ANSWER_S
        problem = self.problem(objective, pins, self.candidates(spared))
        return await self._ask(PlannerQuestion(problem, PLANNING_BUDGET_S, first_s=first_s), heard)

    async def plan_repair(self, objective: Objective, pins: tuple[Pin, ...]) -> Proposal:
        """Plan what brings the next token soonest; what else is searched for has to hurry."""
        self.hurry()
        problem = self.problem(objective, pins, self.candidates())
        return await self._ask(PlannerQuestion(problem, REPAIR_BUDGET_S, repair=True))

    def hurry(self) -> None:
        """Have what is searched for now answered with the best so far."""
        self._planner.hurry()

    async def _ask(
        self, question: PlannerQuestion, heard: Callable[[Proposal], object] | None = None
    ) -> Proposal:
        problem, slowness = question.problem, self.known_slowness
        whole = self.problem(problem.objective, problem.pins, self._fleet.usable)
        loop = asyncio.get_running_loop()

        def proposal(found: Plan) -> Proposal:
            return Proposal(found, Predictor(whole), problem.objective, problem.pins, slowness)

        def tell(found: Plan) -> None:
            if heard is not None:
                loop.call_soon_threadsafe(heard, proposal(found))

        def ask() -> Proposal:
            return proposal(self._planner.answer(question, tell))

        return await self._planning.run(ask)

    def problem(
        self,
        objective: Objective,
        pins: tuple[Pin, ...],
        phones: Sequence[Phone],
        model: ModelManifest | None = None,
    ) -> PlacementProblem:
        """Return the problem of placing the model, or another, on these phones.

        Raises `ShardloomError` without a model or without phones.
        """
        model, options = model or self.model, self._options
        if model is None:
            raise ShardloomError("layers.no_model")
        if not phones:
            raise DoesNotFitError("rack.no_phone_ready", account=self._fleet.account)
        slowness = self.known_slowness
        profiles = (self._profile(phone, slowness) for phone in phones)
        return PlacementProblem(
            model=model,
            devices=tuple(filter(None, profiles)),
            links=self._path_finder.measured.profiles(phones),
            objective=objective,
            pins=pins,
            use_all=self._use_all and len(phones) <= model.layer_count,
            context_tokens=min(options.context_tokens, model.context_tokens),
            slots=options.slots,
            boundary=options.boundary,
            conditions=self._conditions_for(phones),
            reputations=_reputations(phones),
            prices=reckoned_prices(phones, model.layer_count),
            bodies=_bodies(phones),
            resident={phone.serial: frozenset(phone.connection.stored) for phone in phones},
        )

    def predictor(self, objective: Objective, pins: tuple[Pin, ...]) -> Predictor:
        """Return a predictor for every assignment a person could make."""
        return Predictor(self.problem(objective, pins, self._fleet.usable))

    def push_s(self, prediction: Prediction) -> float:
        """Return how long the files that phones lack take to reach them, all at a time."""
        phones = self._fleet.phones
        taken_s = [
            stage.push_bytes / profile.bytes_per_second
            for stage in prediction.stages
            if (profile := phones[stage.serial].connection.push_profile) is not None
        ]
        return max(taken_s, default=0.0)

    @property
    def known_slowness(self) -> dict[Serial, float]:
        """How many times slower than its profile each phone is, by what was measured last."""
        return {**self.recorded_slowness, **self.slowness}

    @property
    def recorded_slowness(self) -> dict[Serial, float]:
        """How many times slower than others phones were by the journal, where that is much."""
        recorded = {
            phone.serial: pace.times_slower(speed.weight_bytes_per_second, speed.step_overhead_s)
            for phone in self._fleet.usable
            if phone.standing and (pace := phone.standing.pace) and (speed := phone.profile)
        }
        return slower_than_others(recorded)

    def breach(self, assignment: Assignment) -> Fact | None:
        """Return what an assignment made by hand breaks of the conditions."""
        phones = self._fleet.phones
        conditions = self._conditions_for(tuple(phones.values()))
        known, bodies = _reputations(phones.values()), _bodies(phones.values())
        return conditions.breach(assignment.serials, known, bodies)

    def candidates(self, spared: frozenset[Serial] = frozenset()) -> list[Phone]:
        """Return the phones to plan with, without those spared and those that stand by.

        Where all are to be used they are no more than there are layers.
        """
        left_out = self._path_finder.measured.distrusted.standing_by | spared
        phones = [phone for phone in self._fleet.usable if phone.serial not in left_out]
        if self.model is None or not self._use_all or len(phones) <= self.model.layer_count:
            return phones
        conditions = self._conditions_for(phones)
        known, bodies = _reputations(phones), _bodies(phones)
        admitted = [
            each
            for each in phones
            if conditions.admits(each.serial, known.get(each.serial, 0.0), bodies[each.serial])
        ]
        fastest = sorted(admitted, key=_weight_bytes_per_second, reverse=True)
        return [phone for phone in admitted if phone in fastest[: self.model.layer_count]]

    def _conditions_for(self, phones: Sequence[Phone]) -> Conditions:
        """Return what is asked, and what the standard keeps these phones from."""
        asked = self.conditions.by_serial({each.serial: each.name for each in phones})
        return asked | Conditions(unmet=_unmet(phones))

    @staticmethod
    def _profile(phone: Phone, slowness: Mapping[Serial, float]) -> DeviceProfile | None:
        profile = phone.profile
        return profile.slowed(slowness.get(phone.serial, 1.0)) if profile else None


def _reputations(phones: Iterable[Phone]) -> dict[Serial, float]:
    return {each.serial: each.standing.reputation for each in phones if each.standing}


def _unmet(phones: Iterable[Phone]) -> frozenset[UnmetRules]:
    return frozenset(
        UnmetRules(each.serial, need, rules)
        for each in phones
        if each.standing
        for need in WorkNeed
        if (rules := kept_from(each.standing.standard, each.standing.broken_rules, need))
    )


def _bodies(phones: Iterable[Phone]) -> dict[Serial, PhoneBody]:
    return {each.serial: _body(each.vitals) for each in phones}


def _body(vitals: DeviceVitals | None) -> PhoneBody:
    """Return how a phone is; on its charger what is left in its battery does not count."""
    if vitals is None:
        return UNTOLD
    drains = vitals.charging is Charging.DISCHARGING
    return PhoneBody(vitals.battery_percent if drains else None, vitals.temperature_celsius)


def _weight_bytes_per_second(phone: Phone) -> float:
    return phone.profile.weight_bytes_per_second if phone.profile else 0.0
