"""What is said before a download: how a model would lie on a rack, and which other form would."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from app.core.units import format_bytes, format_rate
from app.placement.asking.question import PlannerOnTheSpot
from app.rack.compared_plans import Foresight
from app.rack.layers.comparison import foresee_plans
from app.words.model_forecast import foresight_text
from tests.unit.placement.support import MEGABYTE, model_of, phone, problem_of

LAYERS = 6
LAYER_MEGABYTES = {"f32": 30, "q8": 24, "q4": 15}
"""With 70 MB a phone: three phones for f32 and q8, two for q4."""


def foreseen(phones: int, memory_megabytes: float = 70) -> tuple[Foresight, ...]:
    devices = [phone(f"phone-{at}", memory_megabytes) for at in range(phones)]
    problems = []
    for form, size in LAYER_MEGABYTES.items():
        model = model_of((size * MEGABYTE,) * LAYERS)
        problems.append(problem_of(replace(model, quantization=form), *devices))
    return foresee_plans(problems, PlannerOnTheSpot())


def test_a_model_that_fits_is_told_with_phones_rate_memory_and_the_other_forms() -> None:
    plans = foreseen(3)
    told = foresight_text("lab", plans)
    plan = (
        r"{} phones, [\d.]+ tok/s predicted, needs [\d.]+ [MG]B, memory for [\d,]+ tokens of text"
    )
    expected = (
        rf"It fits lab: {plan.format(3)}\. q8 would fit: {plan.format(3)}\."
        rf" q4 would fit: {plan.format(2)}\."
    )
    assert re.fullmatch(expected, told), told
    assert plans[0].plan is not None
    prediction = plans[0].plan.prediction
    assert format_rate(prediction.tokens_per_second) in told
    assert format_bytes(sum(stage.needed_bytes for stage in prediction.stages)) in told


def test_of_a_model_that_does_not_fit_it_is_told_what_lacks_and_which_form_would() -> None:
    told = foresight_text("lab", foreseen(2))
    assert told.startswith("It does not fit lab. toy needs ")
    assert "q8" not in told
    assert re.search(r"q4 would fit: 2 phones, [\d.]+ tok/s predicted, needs", told), told


@pytest.mark.parametrize(("phones", "memory_megabytes"), [(2, 20), (1, 60), (0, 70)])
def test_where_no_form_fits_none_is_offered(phones: int, memory_megabytes: float) -> None:
    told = foresight_text("lab", foreseen(phones, memory_megabytes))
    assert told.startswith("It does not fit lab. ")
    assert "would fit" not in told
