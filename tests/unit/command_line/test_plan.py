"""What `shardloom plan` says in words, of models that write and of those that only read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.command_line.commands.plan import figures
from app.core.model import ModelTask
from app.placement.planner import plan
from app.words.sentences import sentence
from tests.unit.placement.support import MEGABYTE, model_of, phone, problem_of


@pytest.mark.parametrize("task", ModelTask)
def test_tokens_are_promised_of_models_that_write_some(task: ModelTask) -> None:
    model = replace(model_of((MEGABYTE,) * 4), task=task)
    words = sentence(figures(plan(problem_of(model, phone("a"))).prediction))
    writes = task is ModelTask.GENERATION
    assert ("tok/s" in words, "stream" in words) == (writes, writes)
    assert ("text/s" in words, "a text of one token" in words) == (not writes, not writes)
