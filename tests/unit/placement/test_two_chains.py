"""Plans of models of two chains: no phone holds layers of both, and none is better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.assignment import Assignment
from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.placement.baselines import equal_split, score
from app.placement.planner import plan
from app.placement.prediction import Predictor
from app.placement.problem import Method, Objective, Pin, PlacementProblem
from tests.saying import raises_saying
from tests.unit.placement.support import MEGABYTE, model_of, phone, problem_of
from workers.protocol.chain import ChainName, Span


def pair_of(encoder: int, *layer_megabytes: int) -> ModelManifest:
    sizes = tuple(size * MEGABYTE for size in layer_megabytes)
    return replace(model_of(sizes), encoder_layers=encoder)


def every_assignment(problem: PlacementProblem) -> Iterator[Assignment]:
    """Yield every one whose spans are each of one chain."""
    layers, serials = problem.model.layer_count, [each.serial for each in problem.devices]
    for count in range(2, len(serials) + 1):
        for cuts in combinations(range(1, layers), count - 1):
            if problem.model.encoder_layers not in cuts:
                continue
            for ring in permutations(serials, count):
                ends = zip(ring, (0, *cuts), (*cuts, layers), strict=True)
                yield problem.assignment(ends)


@st.composite
def pairs(draw: st.DrawFn) -> PlacementProblem:
    layers = draw(st.lists(st.integers(1, 40), min_size=3, max_size=5))
    encoder = draw(st.integers(1, len(layers) - 1))
    speeds = draw(st.lists(st.sampled_from([0.3, 1.0, 4.0]), min_size=2, max_size=3))
    phones = [phone(f"p{at}", 1000, speed) for at, speed in enumerate(speeds)]
    objective = draw(st.sampled_from(list(Objective)))
    return problem_of(pair_of(encoder, *layers), *phones, objective=objective)


@settings(max_examples=25, deadline=None)
@given(pairs())
def test_a_plan_is_as_good_as_the_best_whose_phones_hold_one_chain_each(
    problem: PlacementProblem,
) -> None:
    found, predictor = plan(problem), Predictor(problem)
    best = min(
        score(predictor.predict(each), problem.objective) for each in every_assignment(problem)
    )
    assert score(found.prediction, problem.objective) == pytest.approx(best)
    assert found.baseline is None
    names = [stage.span.chain for stage in found.assignment.stages]
    assert names == sorted(names, key=list(ChainName).index)


def test_one_phone_is_told_that_two_are_needed() -> None:
    with raises_saying(BadInputError, match="2 phones at least"):
        plan(problem_of(pair_of(2, 1, 1, 1), phone("a")))


def test_the_program_for_one_chain_is_refused() -> None:
    problem = problem_of(pair_of(2, 1, 1, 1), phone("a"), phone("b"))
    with raises_saying(BadInputError, match="one chain"):
        plan(problem, Method.LINEAR_PROGRAM)


def test_a_pin_of_a_decoders_layers_is_kept() -> None:
    pin = Pin(phone("a").serial, Span(ChainName.DECODER, 1, 2))
    problem = problem_of(pair_of(2, 5, 5, 5, 5), phone("a"), phone("b", 1000, 9.0), pins=(pin,))
    assert pin.kept_by(plan(problem).assignment)


def test_an_equal_split_gives_both_chains_phones_by_their_length() -> None:
    phones = [phone(name) for name in "abcd"]
    split = equal_split(problem_of(pair_of(2, *[1] * 8), *phones))
    assert [stage.layer_count for stage in split.stages] == [2, 2, 2, 2]
    assert [stage.span.chain for stage in split.stages][:2] == [
        ChainName.ENCODER,
        ChainName.DECODER,
    ]
