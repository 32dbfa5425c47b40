"""What `shardloom plan` says in words, of models that write and of those that only read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.command_line.commands.plan import figures, left_out, measured_ms, plan_report
from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.core.model import ModelTask
from app.placement.planner import plan
from app.rack.snapshot import PhoneSnapshot, PhoneTelemetry
from app.words.sentences import sentence
from tests.unit.placement.support import MEGABYTE, model_of, phone, problem_of


@pytest.mark.parametrize("task", ModelTask)
def test_tokens_are_promised_of_models_that_write_some(task: ModelTask) -> None:
    model = replace(model_of((MEGABYTE,) * 4), task=task)
    words = sentence(figures(plan(problem_of(model, phone("a"))).prediction))
    writes = task is ModelTask.GENERATION
    assert ("tok/s" in words, "stream" in words) == (writes, writes)
    assert ("text/s" in words, "a text of one token" in words) == (not writes, not writes)


def test_phones_that_are_ready_and_get_no_layers_are_told() -> None:
    made = plan(problem_of(model_of((MEGABYTE,) * 4), phone("a"), phone("b")))
    (holder,) = made.assignment.serials
    phones = [seen("a", DeviceState.READY), seen("b", DeviceState.WORKING)]
    (other,) = left_out([*phones, seen("c", DeviceState.LOST)], made)
    assert {holder, other} == {"a", "b"}


def test_what_stages_took_stands_beside_the_plan_that_their_phones_hold() -> None:
    made = plan(problem_of(model_of((MEGABYTE,) * 4), phone("a"), phone("b"), use_all=True))
    told = PhoneTelemetry(4.5, None, None, 0.0, 0.0)
    phones = [replace(seen("a", DeviceState.READY), telemetry=told), seen("b", DeviceState.READY)]
    taken = measured_ms(phones, made.assignment, made)
    assert dict(zip(made.assignment.serials, taken, strict=True)) == {"a": 4.5, "b": None}
    assert measured_ms(phones, None, made) == (None, None)
    stages = plan_report(made, taken)["stages"]
    assert isinstance(stages, list)
    assert [each["measured_ms"] for each in stages] == list(taken)


def seen(name: str, state: DeviceState) -> PhoneSnapshot:
    return PhoneSnapshot(
        serial=Serial(name),
        position=1,
        state=state,
        state_reason=None,
        description=None,
        vitals=None,
        profile=None,
        telemetry=None,
        standing=None,
        transfer=None,
        fault=None,
    )
