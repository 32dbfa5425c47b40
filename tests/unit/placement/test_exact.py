"""The exact planners against brute force over every assignment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from app.core.errors import BadInputError, DoesNotFitError
from app.core.identifiers import Serial
from app.placement.baselines import score
from app.placement.costs.costs import CostModel
from app.placement.costs.period_bound import least_period_bound
from app.placement.linear_program import linear_program
from app.placement.planner import plan
from app.placement.problem import Method, Objective, Pin, PlacementProblem
from app.placement.shortage import least_overflow
from app.words.sentences import error_text
from tests.assignments import pinned
from tests.saying import raises_saying
from tests.unit.placement.support import (
    MEGABYTE,
    brute_force,
    keeps,
    model_of,
    phone,
    problem_of,
    problems,
)
from workers.protocol.chain import ChainName, Span


@settings(max_examples=150, deadline=None)
@given(problem=problems())
def test_plan_equals_brute_force_and_refusal_names_the_exact_shortfall(
    problem: PlacementProblem,
) -> None:
    best, missing = brute_force(problem)
    if best is None:
        with pytest.raises(DoesNotFitError) as refusal:
            plan(problem)
        assert refusal.value.missing_bytes == missing
        return
    made = plan(problem)
    assert score(made.prediction, problem.objective) == pytest.approx(best, rel=1e-9)
    assert made.prediction.fits
    assert made.proven_optimal
    assert all(keeps(made.assignment, pin) for pin in problem.pins)
    assert not problem.use_all or len(made.assignment.stages) == len(problem.devices)


@settings(max_examples=25, deadline=None)
@given(problem=problems(max_layers=5, max_devices=3))
def test_linear_program_equals_exact_on_the_objective(problem: PlacementProblem) -> None:
    if brute_force(problem)[0] is None:
        with pytest.raises(DoesNotFitError):
            linear_program(CostModel(problem))
        return
    exact = plan(problem)
    program = plan(problem, Method.LINEAR_PROGRAM)
    expected = score(exact.prediction, problem.objective)
    assert score(program.prediction, problem.objective) == pytest.approx(expected, rel=1e-5)
    assert linear_program(CostModel(problem)).cost == pytest.approx(expected, rel=1e-5)
    assert program.prediction.fits
    assert program.proven_optimal
    assert program.method is Method.LINEAR_PROGRAM


@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_period_bound_is_never_above_the_best_period(problem: PlacementProblem) -> None:
    costs = CostModel(problem)
    try:
        best = plan(problem)
    except DoesNotFitError:
        return
    period_s = 1.0 / best.prediction.saturated_tokens_per_second
    assert least_period_bound(costs) <= period_s * (1 + 1e-9)


def test_shortfall_counts_what_is_missing_in_total() -> None:
    model = model_of((10 * MEGABYTE,) * 4, 0, 0, kv_bytes_per_token=0)
    problem = problem_of(model, phone("a", 10), phone("b", 18))
    with raises_saying(DoesNotFitError, match=r"toy needs 12\.0 MB more memory") as refusal:
        plan(problem)
    assert refusal.value.missing_bytes == 12 * MEGABYTE


def test_shortfall_counts_a_layer_larger_than_any_phone() -> None:
    model = model_of((5 * MEGABYTE, 30 * MEGABYTE), 0, 0, kv_bytes_per_token=0)
    problem = problem_of(model, phone("a", 23), phone("b", 20))
    with raises_saying(DoesNotFitError, match=r"7\.00 MB more memory on a\.") as refusal:
        plan(problem)
    assert refusal.value.missing_bytes == 7 * MEGABYTE


def test_shortfall_counts_room_left_in_useless_pieces() -> None:
    model = model_of((10 * MEGABYTE,) * 3, 0, 0, kv_bytes_per_token=0)
    problem = problem_of(model, phone("a", 19), phone("b", 19))
    with pytest.raises(DoesNotFitError) as refusal:
        plan(problem)
    assert refusal.value.missing_bytes == 1 * MEGABYTE


@pytest.mark.parametrize("kept_back_bytes", [0, 1])
def test_the_missing_bytes_are_enough_and_one_byte_less_is_not(kept_back_bytes: int) -> None:
    model = model_of((10 * MEGABYTE,) * 3)
    problem = problem_of(model, phone("a", 19), phone("b", 9))
    costs = CostModel(problem)
    lacking = least_overflow(costs)
    missing_bytes = {
        span.device: int(costs.footprint.span_bytes[span.first, span.end])
        - device.memory_budget_bytes
        for span in lacking.spans
        for device in (problem.devices[span.device],)
    }
    assert sum(missing_bytes.values()) == lacking.cost
    missing_bytes[lacking.order[0]] -= kept_back_bytes
    grown = tuple(
        replace(device, memory_budget_bytes=device.memory_budget_bytes + missing_bytes[at])
        for at, device in enumerate(problem.devices)
    )
    if kept_back_bytes == 0:
        assert plan(replace(problem, devices=grown)).prediction.fits
    else:
        with pytest.raises(DoesNotFitError):
            plan(replace(problem, devices=grown))


def test_throughput_spreads_what_latency_keeps_together() -> None:
    model = model_of((8 * MEGABYTE,) * 6)
    phones = (phone("a"), phone("b"), phone("c"))
    one_stream = plan(problem_of(model, *phones, objective=Objective.LATENCY))
    many_streams = plan(problem_of(model, *phones, objective=Objective.THROUGHPUT, slots=8))
    assert len(one_stream.assignment.stages) == 1
    assert len(many_streams.assignment.stages) == 3


def test_airtime_of_slow_links_keeps_throughput_from_spreading() -> None:
    model = model_of((8 * MEGABYTE,) * 6, hidden_size=50_000)
    phones = (phone("a"), phone("b"), phone("c"))
    made = plan(problem_of(model, *phones, objective=Objective.THROUGHPUT))
    assert len(made.assignment.stages) == 1


@pytest.mark.parametrize(
    ("pins", "reason"),
    [
        ((pinned(Serial("a"), 0, 6),), "a is pinned to layers 0-6, but the model has layers 0-3."),
        (
            (Pin(Serial("a"), Span(ChainName.ENCODER, 0, 1)),),
            "a is pinned to layers of the encoder, which the model does not have.",
        ),
        ((pinned(Serial("x"), 0, 1),), "x is pinned but is not in this rack."),
        (
            (pinned(Serial("a"), 0, 2), pinned(Serial("b"), 2, 3)),
            "Layer 2 is pinned to both a and b.",
        ),
        (
            (pinned(Serial("a"), 0, 0), pinned(Serial("b"), 1, 1), pinned(Serial("a"), 3, 3)),
            "Layer 1 is pinned to both a and b.",
        ),
    ],
)
def test_impossible_pins_are_refused_in_one_line(pins: tuple[Pin, ...], reason: str) -> None:
    problem = problem_of(model_of((MEGABYTE,) * 4), phone("a"), phone("b"), pins=pins)
    with pytest.raises(BadInputError) as refusal:
        plan(problem)
    assert error_text(refusal.value).startswith(reason)
    assert "\n" not in error_text(refusal.value)


def test_more_phones_than_layers_cannot_all_work() -> None:
    phones = (phone("a"), phone("b"), phone("c"))
    problem = problem_of(model_of((MEGABYTE,) * 2), *phones, use_all=True)
    with raises_saying(BadInputError, match="3 phones cannot all have a layer: the model has 2"):
        plan(problem)


def test_pins_that_leave_no_layer_for_a_phone_are_refused() -> None:
    pins = (pinned(Serial("a"), 0, 2),)
    problem = problem_of(model_of((MEGABYTE,) * 3), phone("a"), phone("b"), use_all=True, pins=pins)
    with raises_saying(BadInputError, match="The pins leave 0 layers for 1 other phones"):
        plan(problem)


def test_no_phone_and_manual_method_are_refused() -> None:
    model = model_of((MEGABYTE,))
    with raises_saying(BadInputError, match="no phone"):
        plan(problem_of(model))
    with raises_saying(BadInputError, match="made by hand"):
        plan(problem_of(model, phone("a")), Method.MANUAL)


def test_where_airtime_decides_the_stages_are_evened_out() -> None:
    model = model_of((MEGABYTE // 10,) * 8, 0, 0, kv_bytes_per_token=0)
    phones = [phone(name) for name in "abcd"]
    problem = problem_of(model, *phones, objective=Objective.THROUGHPUT, use_all=True)
    best = plan(problem)
    slowest_s = max(stage.compute_s for stage in best.prediction.stages)
    assert 1.0 / best.prediction.saturated_tokens_per_second > 1.5 * slowest_s
    assert [stage.layer_count for stage in best.assignment.stages] == [2, 2, 2, 2]
