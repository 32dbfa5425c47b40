"""When layers move by themselves: soon where it helps, rarely, and never to and fro."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.assignment import Assignment
from app.core.identifiers import Serial
from app.placement.baselines import score
from app.placement.conditions import Conditions
from app.placement.planner import plan
from app.placement.prediction import Predictor
from app.placement.problem import Objective, PlacementProblem
from app.placement.rebalancing.beliefs import Beliefs
from app.placement.rebalancing.readings import (
    BodyLimits,
    Cause,
    CauseKind,
    PhoneReading,
    Reading,
    StageReading,
)
from app.placement.rebalancing.trigger import (
    DWELL_S,
    REST_GROWTH,
    REST_S,
    STEADY_S,
    SUSTAINED_S,
    WINDOW_S,
    look,
)
from app.placement.rebalancing.worth import LEAST_GAIN, Trade
from tests.unit.placement.support import MEGABYTE, model_of, problem_of
from tests.unit.placement.support import phone as a_profile

LIMITS = BodyLimits()
A, B, C = Serial("a"), Serial("b"), Serial("c")


def a_problem() -> PlacementProblem:
    """Return one where layers outweigh hops, and phones differ."""
    phones = (a_profile(A), a_profile(B, 1000, 0.8), a_profile(C, 1000, 0.6))
    return problem_of(model_of((8 * MEGABYTE,) * 6), *phones)


def stage(serial: Serial, factor: float, steps: int = 50) -> StageReading:
    return StageReading(serial, 0.01, 0.01 * factor, steps)


def phone(serial: Serial, *, works: bool = True, since_s: float = 0.0) -> PhoneReading:
    return PhoneReading(serial, since_s, works)


def looks(readings: Iterable[Reading], beliefs: Beliefs | None = None) -> list[tuple[float, Cause]]:
    """Return the causes with their times, nobody moving anything for them."""
    told, believed = [], beliefs or Beliefs()
    for reading in readings:
        believed, causes = look(believed, reading)
        told += [(reading.at_s, cause) for cause in causes]
    return told


def seconds(count: int, make: Callable[[int], Reading]) -> list[Reading]:
    return [make(second) for second in range(count)]


def test_a_stage_that_is_slower_for_a_while_is_a_cause_once() -> None:
    told = looks(seconds(120, lambda at_s: Reading(at_s, (stage(A, 2.0), stage(B, 1.0)))))
    assert told == [(SUSTAINED_S, Cause(CauseKind.SLOWER, A, 2.0))]


def test_a_hiccup_and_noise_are_no_cause() -> None:
    def hiccup(at_s: int) -> Reading:
        return Reading(at_s, (stage(A, 9.0 if at_s % 4 == 0 else 1.0),))

    assert looks(seconds(120, hiccup)) == []
    assert looks(seconds(120, lambda at_s: Reading(at_s, (stage(A, 9.0, steps=3),)))) == []


def test_a_phone_that_is_itself_again_is_a_cause_too() -> None:
    told = looks(seconds(40, lambda at_s: Reading(at_s, (stage(A, 2.0 if at_s < 20 else 1.0),))))
    assert [cause.kind for _, cause in told] == [CauseKind.SLOWER, CauseKind.FASTER]
    assert told[1][0] == 20 + SUSTAINED_S


def test_a_phone_that_came_is_a_cause_once_it_has_stayed_and_those_at_the_start_are_none() -> None:
    def come(at_s: int) -> Reading:
        later = (phone(C, works=False, since_s=10.0),) if at_s >= 10 else ()
        return Reading(at_s, (), (phone(A), phone(B, works=False), *later))

    assert looks(seconds(60, come)) == [(10 + STEADY_S, Cause(CauseKind.JOINED, C))]


def test_a_phone_that_comes_and_goes_has_to_stay_longer_each_time() -> None:
    period = 40

    def come_and_go(at_s: int) -> Reading:
        since_s = at_s - at_s % period
        here = (phone(C, works=False, since_s=since_s),) if at_s > 0 else ()
        return Reading(at_s, (), (phone(A), *here))

    told = looks([Reading(0, (), (phone(A),)), *seconds(period * 12, come_and_go)])
    waited_s = [at_s % period for at_s, _ in told]
    assert waited_s == sorted(waited_s)
    assert len(told) < 7


@pytest.mark.parametrize(
    ("ill", "between", "well", "kinds"),
    [
        (
            {"celsius": LIMITS.hot_celsius},
            {"celsius": LIMITS.hot_celsius - 2},
            {"celsius": 30.0},
            (CauseKind.HOT, CauseKind.COOLED),
        ),
        (
            {"throttled": True, "celsius": 20.0},
            {"throttled": True},
            {"throttled": False, "celsius": 20.0},
            (CauseKind.HOT, CauseKind.COOLED),
        ),
        (
            {"battery_percent": LIMITS.low_percent, "draining": True},
            {"battery_percent": LIMITS.enough_percent - 1, "draining": True},
            {"battery_percent": LIMITS.enough_percent - 1, "draining": False},
            (CauseKind.LOW, CauseKind.CHARGED),
        ),
    ],
)
def test_heat_and_an_empty_battery_are_causes_until_they_are_clearly_over(
    ill: dict[str, float],
    between: dict[str, float],
    well: dict[str, float],
    kinds: tuple[CauseKind, CauseKind],
) -> None:
    courses = [{}, ill, between, ill, between, well, well]
    readings = [
        Reading(at_s, (), (replace(phone(A), **given),))  # type: ignore[arg-type] # by its own names
        for at_s, given in enumerate(courses)
    ]
    assert [(at_s, cause.kind) for at_s, cause in looks(readings)] == [(1, kinds[0]), (5, kinds[1])]


READINGS = st.lists(
    st.tuples(
        st.floats(0.1, 30.0),
        st.floats(0.01, 100.0),
        st.floats(0.01, 100.0),
        st.booleans(),
        st.floats(20.0, 60.0),
    ),
    max_size=150,
)


@given(READINGS)
def test_whatever_is_read_moves_get_rarer_and_rarer(
    course: list[tuple[float, float, float, bool, float]],
) -> None:
    beliefs, at_s, moves = Beliefs(), 0.0, list[float]()
    for pause_s, one, other, comes, celsius in course:
        at_s += pause_s
        phones = (
            replace(phone(A), celsius=celsius),
            phone(B, works=False, since_s=at_s if comes else 0.0),
        )
        reading = Reading(at_s, (stage(A, one), stage(C, other)), phones)
        beliefs, causes = look(beliefs, reading)
        if causes:
            beliefs = beliefs.moved(at_s)
            moves.append(at_s)
    for number, moved_s in enumerate(moves[1:], start=1):
        recent = [each for each in moves[:number] if moved_s - each < WINDOW_S]
        if recent:
            assert moved_s - recent[-1] >= DWELL_S * 2 ** (len(recent) - 1)


@dataclass
class World:
    """Phones with a true slowness each, on which layers are moved as the trigger says."""

    problem: PlacementProblem
    factors: dict[Serial, float]
    noise: Sequence[float]
    beliefs: Beliefs = field(default_factory=Beliefs)
    moves: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._plain = Predictor(self.problem)
        self._apply(plan(self.problem).assignment)

    def _apply(self, assignment: Assignment) -> None:
        self.applied = assignment
        self._expected = self._plain.predict(assignment).stages

    def run(self, until_s: int) -> None:
        for at_s in range(until_s):
            self.beliefs, causes = look(self.beliefs, self._reading(at_s))
            if causes:
                self._consider(at_s)

    def true_cost(self, assignment: Assignment) -> float:
        prediction = Predictor(slowed(self.problem, self.factors)).predict(assignment)
        return score(prediction, self.problem.objective)

    def _reading(self, at_s: int) -> Reading:
        noise = self.noise[at_s % len(self.noise)]
        stages = tuple(
            StageReading(each.serial, each.compute_s, measured_s * noise, 50)
            for each in self._expected
            for measured_s in [each.compute_s * self.factors[each.serial]]
        )
        phones = tuple(
            phone(device.serial, works=device.serial in self.applied.serials)
            for device in self.problem.devices
        )
        return Reading(at_s, stages, phones)

    def _consider(self, at_s: int) -> None:
        believed = self.beliefs.slowness(self.factors, self.applied.serials)
        problem = slowed(self.problem, believed)
        found, predictor = plan(problem).assignment, Predictor(problem)
        now, then = (
            score(predictor.predict(each), problem.objective) for each in (self.applied, found)
        )
        if found != self.applied and Trade(now, then, 0.0, 0.0).is_worth_it:
            self._apply(found)
            self.moves.append(at_s)
            self.beliefs = self.beliefs.moved(at_s)


def slowed(problem: PlacementProblem, factors: dict[Serial, float]) -> PlacementProblem:
    return replace(
        problem,
        devices=tuple(device.slowed(factors[device.serial]) for device in problem.devices),
    )


FACTORS = st.sampled_from((0.5, 1.0, 1.0, 1.2, 2.0, 4.0))


@settings(deadline=None, max_examples=30)
@given(
    st.tuples(FACTORS, FACTORS, FACTORS),
    st.lists(st.floats(0.93, 1.07), min_size=1, max_size=7),
    st.sampled_from((Objective.LATENCY, Objective.THROUGHPUT)),
    st.booleans(),
)
def test_under_a_constant_load_layers_come_to_rest_where_it_is_good(
    factors: tuple[float, float, float],
    noise: list[float],
    objective: Objective,
    use_all: bool,  # noqa: FBT001 - drawn
) -> None:
    problem = replace(a_problem(), objective=objective, use_all=use_all)
    world = World(problem, dict(zip((A, B, C), factors, strict=True)), noise)
    before = world.true_cost(world.applied)
    world.run(1200)
    after = world.true_cost(world.applied)
    assert after <= before * (1 + LEAST_GAIN)
    at_first = sum(at_s < REST_S for at_s in world.moves)
    assert at_first <= len(factors)
    tries = 1 + math.log(1200 / REST_S, REST_GROWTH)
    assert len(world.moves) - at_first <= 2 * len(factors) * tries
    assert sum(at_s > 600 for at_s in world.moves) <= 2 * len(factors)


def warming(celsius_a_second: float, *, works: bool = True) -> list[Reading]:
    """Return a minute's readings, every two seconds as phones are read, from 37 degrees on."""
    readings = []
    for at_s in range(60):
        celsius = 37.0 + celsius_a_second * (at_s - at_s % 2)
        readings.append(Reading(at_s, (), (replace(phone(A, works=works), celsius=celsius),)))
    return readings


def test_a_phone_that_will_soon_be_hot_is_spared_before_it_is() -> None:
    told = looks(warming(0.08))
    assert [cause.kind for _, cause in told] == [CauseKind.HEATING]
    assert told[0][1].figure < LIMITS.hot_celsius - 1


@pytest.mark.parametrize(("rate", "works"), [(0.02, True), (0.0, True), (0.08, False)])
def test_a_phone_that_warms_slowly_or_does_not_work_is_not_spared(
    rate: float, *, works: bool
) -> None:
    assert looks(warming(rate, works=works)) == []


def test_a_phone_that_was_spared_in_time_is_so_until_it_is_cool() -> None:
    between = (LIMITS.hot_celsius + LIMITS.cool_celsius) / 2
    later = [
        Reading(60 + at_s, (), (replace(phone(A, works=False), celsius=celsius),))
        for at_s, celsius in enumerate((between, between - 0.5, between, LIMITS.cool_celsius))
    ]
    kinds = [cause.kind for _, cause in looks([*warming(0.08), *later])]
    assert kinds == [CauseKind.HEATING, CauseKind.COOLED]


def test_limits_spare_a_phone_before_it_breaks_what_is_asked() -> None:
    limits = BodyLimits.within(Conditions(least_battery_percent=40, most_celsius=38.0))
    assert limits.low_percent > 40
    assert limits.hot_celsius < 38.0
    assert limits.cool_celsius < limits.hot_celsius
    assert limits.enough_percent > limits.low_percent
    assert BodyLimits.within(Conditions()) == LIMITS
    assert BodyLimits.within(Conditions(most_celsius=60.0)).hot_celsius == LIMITS.hot_celsius
