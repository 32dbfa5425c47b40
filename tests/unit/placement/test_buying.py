"""The cheapest ring that is as quick as is wanted, against brute force over every assignment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.assignment import Assignment
from app.core.errors import BadInputError, DoesNotFitError
from app.core.identifiers import Serial
from app.placement.buying import TIE
from app.placement.conditions import Conditions
from app.placement.planner import plan
from app.placement.prediction import Predictor
from app.placement.problem import Method, Objective, PlacementProblem, Prediction
from tests.unit.placement.support import (
    MEGABYTE,
    brute_force,
    every_assignment,
    model_of,
    phone,
    problem_of,
    problems,
)


@st.composite
def priced_problems(draw: st.DrawFn) -> PlacementProblem:
    """Draw a problem with a price for each phone, and a wish that may or may not be met."""
    problem = draw(problems(max_layers=5))
    predictor = Predictor(problem)
    fitting = [one for each in every_assignment(problem) if (one := predictor.predict(each)).fits]
    latencies = sorted({one.token_latency_s for one in fitting}) or [1.0]
    rates = sorted({one.streams_tokens_per_second for one in fitting}) or [1.0]
    asked = Conditions(
        most_token_s=draw(st.none() | st.sampled_from(latencies) | st.just(latencies[0] / 2)),
        least_tokens_per_second=draw(
            st.just(0.0) | st.sampled_from(rates) | st.just(rates[-1] * 2)
        ),
    )
    prices = {
        device.serial: draw(st.sampled_from((0.0, 1.0, 1.5, 3.0, 7.25)))
        for device in problem.devices
    }
    return replace(problem, objective=Objective.PRICE, conditions=asked, prices=prices)


def meets(problem: PlacementProblem, one: Prediction) -> bool:
    asked, slack = problem.conditions, 1 + 1e-8
    limit_s = asked.most_token_s
    in_time = limit_s is None or one.token_latency_s <= limit_s * slack
    return in_time and one.streams_tokens_per_second * slack >= asked.least_tokens_per_second


@settings(max_examples=40, deadline=None)
@given(problem=priced_problems())
def test_it_costs_what_the_cheapest_of_all_costs(problem: PlacementProblem) -> None:
    if brute_force(problem)[0] is None:
        with pytest.raises(DoesNotFitError):
            plan(problem)
        return
    predictor = Predictor(problem)
    all_of_them: list[tuple[Assignment, Prediction]] = [
        (each, one) for each in every_assignment(problem) if (one := predictor.predict(each)).fits
    ]
    prices = [one.price_per_token for _, one in all_of_them if meets(problem, one)]
    made = plan(problem)
    assert made.prediction.fits
    assert made.too_slow is not meets(problem, made.prediction)
    assert made.too_slow is not bool(prices)
    if prices:
        most = max(problem.prices.values()) * problem.model.layer_count
        assert made.prediction.price_per_token == pytest.approx(min(prices), abs=2 * TIE * most)
        assert made.proven_optimal


def three(**asked: float) -> PlacementProblem:
    """Return a cheap slow phone, a middling and a dear quick one, and what is wanted of them."""
    phones = phone("slow", 1000, 0.2), phone("middling", 1000, 1.0), phone("quick", 1000, 5.0)
    prices = {Serial("slow"): 1.0, Serial("middling"): 2.0, Serial("quick"): 5.0}
    problem = problem_of(model_of((8 * MEGABYTE,) * 4), *phones)
    conditions = Conditions(**asked)  # type: ignore[arg-type]
    return replace(problem, objective=Objective.PRICE, prices=prices, conditions=conditions)


def test_without_a_wish_the_cheapest_does_all() -> None:
    made = plan(three())
    assert made.assignment.serials == ("slow",)
    assert made.prediction.price_per_token == 4.0  # a layer each


@pytest.mark.parametrize("asked", [{"most_token_s": 0.06}, {"least_tokens_per_second": 20.0}])
def test_no_more_is_bought_of_a_dear_phone_than_the_wish_needs(asked: dict[str, float]) -> None:
    problem = three(**asked)
    made = plan(problem)
    assert meets(problem, made.prediction)
    assert made.proven_optimal
    assert not made.too_slow
    assert 4.0 < made.prediction.price_per_token < 20.0


def test_doubt_makes_a_phone_dear() -> None:
    problem = three()
    doubted = {**problem.prices, Serial("slow"): 1.0 / 0.2}
    assert plan(replace(problem, prices=doubted)).assignment.serials == ("middling",)


def test_of_equally_cheap_ones_the_quickest_is_taken() -> None:
    problem = three()
    alike = dict.fromkeys(problem.prices, 2.0)
    assert plan(replace(problem, prices=alike)).assignment.serials == ("quick",)


def test_where_nothing_is_quick_enough_the_quickest_is_taken_and_that_is_told() -> None:
    problem = three(most_token_s=1e-4)
    made = plan(problem)
    assert made.too_slow
    assert not made.proven_optimal
    quickest = plan(replace(problem, objective=Objective.LATENCY))
    assert made.assignment == quickest.assignment


def test_the_linear_program_buys_nothing() -> None:
    with pytest.raises(BadInputError):
        plan(three(), Method.LINEAR_PROGRAM)
