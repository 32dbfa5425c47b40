"""Conditions hold in every plan; what cannot be had together is named, and no more than that."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.benchmarks.racks.random_rack import random_rack
from app.core.clock import SystemClock
from app.core.errors import BadInputError, DoesNotFitError
from app.core.identifiers import Serial
from app.core.standard.rules import WorkNeed
from app.placement.asking.question import PlannerOnTheSpot
from app.placement.baselines import score
from app.placement.conditions import Conditions, PhoneBody, UnmetRules
from app.placement.planner import plan
from app.placement.prediction import Predictor
from app.placement.problem import Method, Objective, PlacementProblem
from app.rack.compared_plans import Standing
from app.rack.layers.comparison import compare_plans
from app.words.sentences import error_text
from tests.assignments import pinned
from tests.saying import raises_saying
from tests.soak import slice_of
from tests.unit.placement.support import (
    MEGABYTE,
    every_assignment,
    model_of,
    phone,
    problem_of,
    problems,
)

A, B, C = (Serial(name) for name in "abc")


def three(**more: object) -> PlacementProblem:
    """Return three phones of which two at least are needed for eight layers."""
    model = model_of((10 * MEGABYTE,) * 8, 0, 0, kv_bytes_per_token=0)
    return problem_of(model, phone("a", 50), phone("b", 50), phone("c", 50), **more)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), problem=problems(max_layers=5, max_devices=4))
def test_plans_under_conditions_are_the_best_that_keep_them(
    data: st.DataObject, problem: PlacementProblem
) -> None:
    serials = [device.serial for device in problem.devices]
    some = st.sets(st.sampled_from(serials))
    conditions = Conditions(
        frozenset(data.draw(some)),
        frozenset(data.draw(some)),
        data.draw(st.booleans()),
        data.draw(st.sampled_from((0.0, 0.5))),
        data.draw(st.sampled_from((0, 30))),
        data.draw(st.sampled_from((None, 40.0))),
    )
    reputations = {serial: data.draw(st.sampled_from((0.3, 0.9))) for serial in serials}
    bodies = {
        serial: PhoneBody(
            data.draw(st.sampled_from((None, 20, 80))),
            data.draw(st.sampled_from((None, 30.0, 45.0))),
        )
        for serial in serials
    }
    problem = replace(problem, conditions=conditions, reputations=reputations, bodies=bodies)
    best = best_kept(problem)
    if best is None:
        with pytest.raises((DoesNotFitError, BadInputError)) as refusal:
            plan(problem)
        assert error_text(refusal.value)
        return
    made = plan(problem)
    assert conditions.breach(made.assignment.serials, reputations, bodies) is None
    assert score(made.prediction, problem.objective) == pytest.approx(best)
    assert made.keeps_conditions == (conditions != Conditions())


def best_kept(problem: PlacementProblem) -> float | None:
    """Return the best by brute force, None where nothing keeps conditions and pins and fits."""
    admitted = problem.admitted()
    if not {pin.serial for pin in problem.pins} <= {each.serial for each in admitted.devices}:
        return None
    if not admitted.devices or (
        problem.use_all and len(admitted.devices) > problem.model.layer_count
    ):
        return None
    predictor = Predictor(admitted)
    kept = (
        predictor.predict(each)
        for each in every_assignment(admitted)
        if problem.conditions.breach(each.serials, problem.reputations, problem.bodies) is None
    )
    return min((score(one, problem.objective) for one in kept if one.fits), default=None)


@pytest.mark.parametrize("objective", [each for each in Objective if each is not Objective.PRICE])
def test_the_linear_program_keeps_prompt_and_answer_on_trusted_phones(
    objective: Objective,
) -> None:
    conditions = Conditions(trusted=frozenset({"a", "c"}), private=True)
    problem = three(conditions=conditions, objective=objective)
    made = plan(problem, Method.LINEAR_PROGRAM)
    assert {made.assignment.serials[0], made.assignment.serials[-1]} == {A, C}


@pytest.mark.parametrize("objective", slice_of(Objective, Objective.THROUGHPUT))
def test_a_large_rack_keeps_them_too(objective: Objective) -> None:
    trusted = frozenset(f"phone-{at}" for at in (3, 7, 11))
    conditions = Conditions(frozenset({"phone-1"}), trusted, private=True)
    problem = replace(random_rack(48, 16, 4), conditions=conditions, objective=objective)
    serials = plan(problem).assignment.serials
    assert {serials[0], serials[-1]} <= trusted
    assert "phone-1" not in serials


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (
            {"conditions": Conditions(excluded=frozenset({"a", "b"}))},
            'keeps all that is asked of it: "left out: a, b".',
        ),
        (
            {"conditions": Conditions(excluded=frozenset({"a"}), private=True)},
            'asked of it: "private, first and last layers only on trusted phones, of which none is',
        ),
        (
            {"conditions": Conditions(frozenset({"a"}), frozenset({"a", "b"}), private=True)},
            r'asked of it: "left out: a", "private, first and last layers only on a, b"\.',
        ),
        (
            {
                "conditions": Conditions(least_reputation=0.5),
                "reputations": {A: 0.9, B: 0.2},
            },
            'asked of it: "a reputation of 0.5, which leaves out b, c".',
        ),
        (
            {
                "pins": (pinned(C, 2, 3), pinned(B, 0, 1)),
                "conditions": Conditions(frozenset({"a"}), frozenset({"a", "c"}), private=True),
            },
            'asked of it: "b holds layers 0-1", "private',
        ),
    ],
)
def test_the_smallest_set_that_conflicts_is_named(more: dict[str, object], named: str) -> None:
    with raises_saying(DoesNotFitError, match=named):
        plan(three(**more))


def test_too_little_memory_is_no_conflict_of_conditions() -> None:
    problem = three(conditions=Conditions(excluded=frozenset({"c"})))
    small = tuple(replace(each, memory_budget_bytes=1) for each in problem.devices)
    with raises_saying(DoesNotFitError, match="toy needs 170 MB more memory on a"):
        plan(replace(problem, devices=small))


def test_what_breaks_a_condition_is_never_the_answer_of_a_comparison() -> None:
    conditions = Conditions(frozenset({"c"}), frozenset({"a", "b"}), private=True)
    compared = compare_plans(three(conditions=conditions), PlannerOnTheSpot(), SystemClock())
    standings = {row.name: row.standing for row in compared}
    assert standings["exact"] is Standing.PROVEN_WITH_CONDITIONS
    assert standings["equal split"] is Standing.BREAKS_CONDITIONS
    broken = next(row for row in compared if row.name == "equal split")
    assert not broken.permitted


def test_names_become_serials_and_two_sets_of_conditions_add_up() -> None:
    one = Conditions(frozenset({"Pixel"}), private=True)
    other = Conditions(frozenset({"b"}), frozenset({"c"}), least_reputation=0.5)
    both = (one | other).by_serial({A: "Pixel", B: "Other", C: "Third"})
    assert not any(both.admits(serial, 1.0) for serial in (A, B))
    assert both.admits(C, 0.5)
    assert not both.admits(C, 0.4)
    assert [both.ends_on(serial) for serial in chain((A, C))] == [False, True]


def test_a_phone_that_is_too_warm_or_too_empty_is_named_where_it_is_needed() -> None:
    bodies = {B: PhoneBody(10, 30.0), C: PhoneBody(None, 45.0)}
    asked = Conditions(least_battery_percent=20, most_celsius=40.0)
    with raises_saying(DoesNotFitError, "20 % of battery where it drains, which leaves out b"):
        plan(three(conditions=asked, bodies=bodies))
    charged = bodies | {B: PhoneBody(None, 30.0)}
    made = plan(three(conditions=asked, bodies=charged))
    assert C not in made.assignment.serials


def test_what_two_ask_of_heat_and_battery_is_kept_together() -> None:
    both = Conditions(most_celsius=42.0) | Conditions(least_battery_percent=30)
    assert both == Conditions(least_battery_percent=30, most_celsius=42.0)
    assert (both | Conditions(most_celsius=39.0)).most_celsius == 39.0


def below_standard(serial: Serial, need: WorkNeed, *rules: str) -> Conditions:
    return Conditions(unmet=frozenset({UnmetRules(serial, need, rules)}))


def test_a_phone_below_the_standard_holds_no_layers_and_is_told_which_rules() -> None:
    conditions = below_standard(A, WorkNeed.LAYERS, "rows-f4", "receipt")
    found = plan(three(conditions=conditions))
    assert A not in found.assignment.serials
    breach = conditions.breach((A, B), {}, {})
    assert breach is not None
    assert dict(breach.fields) == {"phone": A, "rules": ("rows-f4", "receipt")}
    assert conditions.breach((B, C), {}, {}) is None


def test_one_that_breaks_a_rule_of_the_ends_may_lie_between() -> None:
    conditions = below_standard(A, WorkNeed.ENDS, "steering")
    assert conditions.breach((B, A, C), {}, {}) is None
    for ring in ((A, B), (B, A)):
        breach = conditions.breach(ring, {}, {})
        assert breach is not None
        assert breach.code == "condition.breach_standard"


def test_where_the_standard_leaves_too_few_phones_it_is_named() -> None:
    both = below_standard(A, WorkNeed.LAYERS, "echo") | below_standard(B, WorkNeed.LAYERS, "echo")
    with raises_saying(DoesNotFitError, "the standard, whose rules leave out a, b"):
        plan(three(conditions=both))
