"""Drafts at one stage: each a step of its own, and signed for only once it is known to stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from app.simulation.model import HIDDEN_SIZE
from tests.unit.workers.one_stage import OneStage, hidden, row_of
from workers.protocol.step_message import TraceEntry, read_step, step_frame
from workers.protocol.told import Token
from workers.protocol.wire import Tensor


def _signed_without_drafts(rows: Sequence[float]) -> dict[str, Any]:
    stage = OneStage()
    for number, row in enumerate(rows):
        stage.step(number, [row])
    return stage.signed(len(rows), len(rows))


@pytest.mark.parametrize("done", [1, 2, 3])
def test_drafts_of_a_round_whose_next_step_is_lost_are_signed_for_as_far_as_they_came_back(
    done: int,
) -> None:
    stage = OneStage()
    stage.step(0, [3])
    stage.step(1, [4, 5, 9, 9])
    certain = max(done, 2)
    assert stage.signed(4, done) == _signed_without_drafts([3, 4, 5][:certain])


def test_a_newer_step_tells_which_drafts_are_signed_for() -> None:
    stage = OneStage()
    stage.step(0, [3])
    stage.step(1, [4, 5, 9, 9])
    stage.step(3, [6])
    assert stage.signed(4, 1) == _signed_without_drafts([3, 4, 5, 6])


@pytest.mark.parametrize("arrived_us", [(1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_a_clock_that_the_host_cannot_be_told_is_laid_to_the_phone_that_sent_it(
    arrived_us: int,
) -> None:
    stage, most = OneStage(last=True), (1 << 32) - 1
    trace = [TraceEntry(most, most, most, most, most, most, arrived_us)]
    stage.frame(step_frame([row_of(0)], trace, hidden([3])))
    (told,) = stage.sent.told
    if arrived_us < 1 << 63:
        assert isinstance(told, Token)
        assert told.trace[:1] == tuple(trace)
    else:
        assert [broken.code for broken in stage.broken] == ["unusable-rows"]
    assert len(stage.sent.frames) == len(stage.sent.told) - len(stage.broken)


def test_a_trace_longer_than_the_stages_before_is_laid_to_the_phone_that_sent_it() -> None:
    stage = OneStage()
    row = row_of(0)
    stage.frame(step_frame([row], [TraceEntry(0, 1)] * 2, hidden([3])))
    (broken,) = stage.broken
    assert broken.code == "unusable-rows"
    assert not stage.sent.frames


def test_the_last_stage_answers_no_step_twice() -> None:
    stage = OneStage(last=True)
    lookup = stage.transaction.lookup
    assert lookup is not None
    chosen = [stage.choice(number, row) for number, row in enumerate([3, 4])]
    lookup.drafts = (chosen[0],)
    stage.step(0, [3, 4])
    assert stage.transaction.transcript.next_step == 2
    told = len(stage.sent.told)
    stage.frame(step_frame([row_of(1)], (), hidden([9])))
    assert [message.code for message in stage.broken] == ["unusable-rows"]
    assert stage.sent.told[told:] == [*stage.broken]
    assert stage.transaction.transcript.next_step == 2


def test_drafts_of_an_earlier_round_are_not_withdrawn_after_a_shared_step() -> None:
    stage = OneStage()
    other = stage.open("other", slot=1)
    stage.step(0, [3, 4])
    first, second = row_of(0)._replace(transaction="other"), row_of(2)
    stage.frame(step_frame([first, second], (), np.concatenate([hidden([5]), hidden([6])])))
    assert not stage.broken
    assert stage.transaction.drafts_taken == other.drafts_taken == 0
    stage.frame(step_frame([row_of(2)], (), hidden([7])))
    assert [message.code for message in stage.broken] == ["unusable-rows"]


def test_a_draft_that_cannot_be_sent_on_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, bad = OneStage(), 77
    run = stage.engine.run

    def overflow(slot: int, position: int, inputs: Tensor) -> Tensor:
        outputs = run(slot, position, inputs)
        return outputs * np.float32(np.inf) if inputs[0, 0, 0] == bad else outputs

    monkeypatch.setattr(stage.engine, "run", overflow)
    stage.step(0, [3, 4, bad, 5])
    sent = read_step(memoryview(stage.sent.frames[-1]))
    assert sent.rows == (row_of(0, drafts=1),)
    assert sent.inputs.shape == (1, 2, HIDDEN_SIZE)
    assert stage.transaction.transcript.next_step == 2
    assert stage.transaction.beginning(1) is not None, "what is kept of it can be gone on with"
    stage.step(2, [6])
    assert stage.signed(3, 3) == _signed_without_drafts([3, 4, 6])


def test_what_cannot_be_done_without_drafts_fails_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = OneStage()
    monkeypatch.setattr(stage.engine, "run", lambda *_: hidden([np.inf]))
    stage.frame(step_frame([row_of(0, drafts=1)], (), hidden([3, 4])))
    assert len(stage.broken) == 1
    assert not stage.sent.frames


def test_a_full_transcript_leaves_drafts_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = OneStage()
    row_bytes = hidden([0]).nbytes
    monkeypatch.setattr(stage.transaction.transcript, "_maximum_bytes", 2 * row_bytes)
    stage.step(0, [3, 4, 5])
    assert read_step(memoryview(stage.sent.frames[-1])).rows[0].drafts == 1
    stage.step(1, [6])
    stage.frame(step_frame([row_of(2, drafts=0)], (), hidden([7])))
    assert len(stage.broken) == 1
