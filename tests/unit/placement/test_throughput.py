"""The default objective: what all streams together really get, on racks where that is not plain."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.clock import SystemClock
from app.core.device import DeviceProfile, LinkProfile
from app.core.errors import DoesNotFitError
from app.core.identifiers import HOST, Serial
from app.placement.asking.question import PlannerOnTheSpot
from app.placement.baselines import score
from app.placement.budget import ENDLESS, Budget
from app.placement.costs.costs import CostModel
from app.placement.exact.branch_and_bound import least_worst
from app.placement.planner import plan
from app.placement.prediction import Predictor, predict
from app.placement.problem import Objective, PlacementProblem
from app.placement.simple_plans import simple_arrangements
from app.rack.compared_plans import PlanComparison, Standing
from app.rack.layers.comparison import compare_plans
from app.rack.phones.rack_file import RackDefinition, load_rack
from tests.assignments import held, pinned, placed
from tests.unit.placement.support import (
    MEGABYTE,
    brute_force,
    every_assignment,
    keeps,
    model_of,
    phone,
    problem_of,
    problems,
)

RACKS = Path(__file__).resolve().parents[3] / "assets" / "racks"
FULL_SHARE_BYTES_PER_SECOND = 8e9
DEMO_LIKE = model_of((600_000,) * 8, 1_000_000, 1_000_000, kv_bytes_per_token=1024, hidden_size=256)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problem=problems(), slots=st.integers(1, 9))
def test_the_plan_is_the_best_of_all_in_what_the_streams_get(
    problem: PlacementProblem, slots: int
) -> None:
    problem = replace(problem, objective=Objective.THROUGHPUT, slots=slots)
    best_interval_s, _ = brute_force(problem)
    if best_interval_s is None:
        with pytest.raises(DoesNotFitError):
            plan(problem)
        return
    made = plan(problem)
    saturated = made.prediction.saturated_tokens_per_second
    rate = min(saturated, slots * made.prediction.tokens_per_second)
    assert rate == pytest.approx(1 / best_interval_s, rel=1e-9)
    assert made.prediction.streams_tokens_per_second == pytest.approx(rate)
    assert made.proven_optimal


@settings(max_examples=60, deadline=None)
@given(problem=problems(max_layers=5, max_devices=3))
def test_branch_and_bound_finds_the_least_worst_of_two_sums(problem: PlacementProblem) -> None:
    costs = CostModel(problem)
    tables = (costs.table(Objective.LATENCY, 0.5), costs.table(Objective.THROUGHPUT))
    predictor = Predictor(problem, costs)
    fitting = (one for one in every_assignment(problem) if predictor.predict(one).fits)
    rings = [tuple(costs.serials.index(serial) for serial in one.serials) for one in fitting]
    latencies_s = [
        predictor.predict(one).token_latency_s / 2
        for one in every_assignment(problem)
        if predictor.predict(one).fits
    ]
    airtimes_s = [costs.rings.airtime_s.of(ring) for ring in rings]
    found, whole = least_worst(tables, float("inf"), ENDLESS)
    assert whole
    if found is None:
        assert not rings
    else:
        assert found.cost == pytest.approx(min(map(max, zip(latencies_s, airtimes_s, strict=True))))


def rack_of(definition: RackDefinition, **more: object) -> PlacementProblem:
    """Return the problem that a rack of virtual phones poses, nothing but its file known."""
    personas = definition.personas
    phones = tuple(
        DeviceProfile(
            serial=Serial(persona.serial),
            memory_budget_bytes=persona.memory_bytes // 2,
            weight_bytes_per_second=FULL_SHARE_BYTES_PER_SECOND * persona.cpu_share,
            flops_per_second=1e10,
            step_overhead_s=0.0003 / persona.cpu_share,
        )
        for persona in personas
        if persona.cpu_share is not None
    )
    ways = {
        Serial(persona.serial): LinkProfile(
            persona.link_latency_ms / 1e3, persona.link_mbit_per_second * 1e6 / 8
        )
        for persona in personas
        if persona.link_latency_ms is not None and persona.link_mbit_per_second is not None
    }
    links = {(HOST, serial): way for serial, way in ways.items()}
    links |= {
        (one, two): LinkProfile(
            ways[one].latency_s + ways[two].latency_s,
            min(ways[one].bytes_per_second, ways[two].bytes_per_second),
        )
        for one, two in permutations(ways, 2)
    }
    settings: dict[str, object] = {
        "links": links,
        "objective": Objective.THROUGHPUT,
        "use_all": definition.use_all,
        "slots": 4,
    }
    return problem_of(DEMO_LIKE, *phones, **{**settings, **more})


def perturbed(problem: PlacementProblem, seed: int) -> PlacementProblem:
    """Return the same rack as measured another time: every figure up to 15 % off."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable rack, nothing secret

    def off(figure: float) -> float:
        return figure * chance.uniform(0.85, 1.15)

    devices = tuple(
        replace(
            device,
            weight_bytes_per_second=off(device.weight_bytes_per_second),
            step_overhead_s=off(device.step_overhead_s),
        )
        for device in problem.devices
    )
    links = {
        pair: LinkProfile(off(link.latency_s), off(link.bytes_per_second))
        for pair, link in problem.links.items()
    }
    return replace(problem, devices=devices, links=links)


def permitted_rates(compared: tuple[PlanComparison, ...]) -> Iterator[float]:
    for row in compared:
        if row.plan is not None and row.permitted:
            yield row.plan.prediction.streams_tokens_per_second


@pytest.mark.parametrize("seed", range(12))
def test_five_phones_are_planned_alike_however_their_figures_swing(seed: int) -> None:
    problem = rack_of(load_rack("five-phones", RACKS))
    measured = perturbed(problem, seed)
    made = plan(measured)
    rivals = [plan(replace(measured, objective=objective)) for objective in Objective]
    rivals += [rival.baseline for rival in rivals if rival.baseline]
    best = max(rival.prediction.streams_tokens_per_second for rival in rivals)
    assert made.prediction.streams_tokens_per_second >= best * (1 - 1e-9)
    really = predict(problem, made.assignment).streams_tokens_per_second
    assert really >= 0.95 * plan(problem).prediction.streams_tokens_per_second


def two_apart(**more: object) -> PlacementProblem:
    """Return two slow phones, 12 ms and 100 Mbit/s apart."""
    slow = {"gigabytes_per_second": 2.4, "step_overhead_s": 0.0005}
    model = model_of((600_000,) * 8, 1_000_000, 1_000_000, hidden_size=256)
    way = LinkProfile(0.012, 100e6 / 8)
    ends = [Serial("a"), Serial("b"), HOST]
    links = dict.fromkeys(permutations(ends, 2), way)
    settings: dict[str, object] = {
        "links": links,
        "objective": Objective.THROUGHPUT,
        "slots": 4,
        **more,
    }
    return problem_of(model, phone("a", **slow), phone("b", **slow), **settings)


def test_two_phones_far_apart_leave_the_work_to_one() -> None:
    made = plan(two_apart())
    both = plan(two_apart(use_all=True))
    assert len(made.assignment.stages) == 1
    alone, together = made.prediction, both.prediction
    assert together.saturated_tokens_per_second > alone.saturated_tokens_per_second
    assert together.streams_tokens_per_second < 0.6 * alone.streams_tokens_per_second


def test_with_streams_enough_to_fill_the_hops_both_phones_work() -> None:
    assert len(plan(two_apart(slots=16)).assignment.stages) == 2


def standings(problem: PlacementProblem) -> dict[str, Standing]:
    compared = compare_plans(problem, PlannerOnTheSpot(), SystemClock())
    return {row.name: row.standing for row in compared}


def test_no_permitted_row_beats_the_first_and_the_others_say_what_they_break() -> None:
    pins = (pinned(Serial("a"), 0, 0), pinned(Serial("b"), 7, 7))
    for problem in (two_apart(), two_apart(use_all=True), two_apart(pins=pins)):
        own, *others = compare_plans(problem, PlannerOnTheSpot(), SystemClock())
        assert own.plan is not None
        rates = list(permitted_rates((own, *others)))
        assert max(rates) <= own.plan.prediction.streams_tokens_per_second * (1 + 1e-6)
    rows = standings(two_apart(use_all=True))
    assert rows["exact"] is Standing.PROVEN_OF_ALL_PHONES
    assert rows["best phone alone"] is Standing.LEAVES_PHONES_OUT
    rows = standings(two_apart(pins=pins, slots=16))
    assert rows["exact"] is Standing.PROVEN_WITH_PINS
    assert rows["best phone alone"] is Standing.BREAKS_PINS
    assert rows["equal split"] is Standing.NONE


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problem=problems(max_layers=9, max_devices=7), slots=st.integers(1, 9))
def test_a_plan_is_never_worse_than_what_anybody_would_think_of(
    problem: PlacementProblem, slots: int
) -> None:
    problem = replace(problem, objective=Objective.THROUGHPUT, slots=slots)
    try:
        searched, hurried = plan(problem), plan(problem, budget=Budget(0.0))
    except DoesNotFitError:
        return
    assert all(keeps(hurried.assignment, pin) for pin in problem.pins)
    assert hurried.prediction.fits
    interval_s = score(searched.prediction, problem.objective)
    assert interval_s <= score(hurried.prediction, problem.objective) * (1 + 1e-9)
    costs = CostModel(problem)
    for simple in simple_arrangements(costs):
        stages = tuple(
            held(costs.serials[span.device], span.first, span.end - 1) for span in simple.spans
        )
        assignment = placed(problem.model.name, costs.layer_count, stages)
        rate = predict(problem, assignment).streams_tokens_per_second
        assert hurried.prediction.streams_tokens_per_second >= rate * (1 - 1e-9)


@pytest.mark.parametrize("objective", Objective)
def test_without_time_the_answer_is_the_best_of_the_plain_ones_and_claims_no_proof(
    objective: Objective,
) -> None:
    model = model_of((8 * MEGABYTE,) * 12)
    phones = [phone(f"phone-{at}", gigabytes_per_second=1 + at) for at in range(9)]
    problem = problem_of(model, *phones, objective=objective, slots=16)
    hurried = plan(problem, budget=Budget(0.0))
    assert not hurried.proven_optimal
    assert hurried.baseline is not None
    assert score(hurried.prediction, objective) <= score(hurried.baseline.prediction, objective)
    assert plan(problem).proven_optimal
