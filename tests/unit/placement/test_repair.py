"""What is planned after a death: what is back soon counts, not only what is best for good."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings

from app.core.device import LinkProfile
from app.core.errors import DoesNotFitError
from app.core.identifiers import HOST, BlobHash, Serial
from app.placement.baselines import score
from app.placement.planner import DOUBLING_S, plan, plan_repair
from app.placement.problem import Objective, PlacementProblem, Plan
from tests.unit.placement.support import MEGABYTE, blob, model_of, phone, problem_of, problems

LAYERS = 6
EVERYTHING = frozenset(blob(name, 0).sha256 for name in range(LAYERS + 2))


def problem_with(
    held: dict[str, frozenset[BlobHash]], megabytes_per_second: float
) -> PlacementProblem:
    """Return a quick phone without weights and a slow one that may hold them."""
    ends = [Serial("quick"), Serial("slow"), HOST]
    links = dict.fromkeys(permutations(ends, 2), LinkProfile(0.0005, megabytes_per_second * 1e6))
    return problem_of(
        model_of((8 * MEGABYTE,) * LAYERS),
        phone("quick", gigabytes_per_second=4.0),
        phone("slow", gigabytes_per_second=3.0),
        links=links,
        objective=Objective.LATENCY,
        resident={Serial(name): files for name, files in held.items()},
    )


def return_s(problem: PlacementProblem, made: Plan) -> float:
    pushes = (
        stage.push_bytes / problem.links[HOST, stage.serial].bytes_per_second
        for stage in made.prediction.stages
    )
    return max(pushes)


def test_a_repair_leaves_the_layers_where_their_weights_are() -> None:
    problem = problem_with({"slow": EVERYTHING}, megabytes_per_second=1.0)
    assert plan(problem).assignment.serials == (Serial("quick"),)
    repaired = plan_repair(problem)
    assert repaired.assignment.serials == (Serial("slow"),)
    assert repaired.prediction.push_bytes == 0
    assert not repaired.proven_optimal


def test_a_repair_takes_the_quick_phone_where_its_weights_are_there_at_once() -> None:
    problem = problem_with({"slow": EVERYTHING}, megabytes_per_second=1000.0)
    assert plan_repair(problem).assignment == plan(problem).assignment


def test_where_nobody_has_the_weights_pushing_is_shared() -> None:
    problem = problem_with({}, megabytes_per_second=1.0)
    assert len(plan(problem).assignment.stages) == 1
    assert len(plan_repair(problem).assignment.stages) == 2


@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_a_repair_is_never_later_than_the_best_plan_unless_it_is_worth_it(
    problem: PlacementProblem,
) -> None:
    try:
        best, repaired = plan(problem), plan_repair(problem)
    except DoesNotFitError:
        with pytest.raises(DoesNotFitError):
            plan_repair(problem)
        return

    def cost(made: Plan) -> float:
        return score(made.prediction, problem.objective) * (
            1 + return_s(problem, made) / DOUBLING_S
        )

    assert repaired.prediction.fits
    assert cost(repaired) <= cost(best) * (1 + 1e-9)
    assert return_s(problem, repaired) <= return_s(problem, best) * (1 + 1e-9)
