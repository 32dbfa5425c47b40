"""What a phone on the way makes of a step's header is never the last stage's offence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workers.one_stage import AHEAD, TRANSACTION, OneStage, hidden, row_of
from workers.errors import StepMissingError, UnusableRowsError
from workers.protocol.sampling_rule import AskedTokens, Steering
from workers.protocol.step_message import StepRow, step_frame
from workers.protocol.told import Broken, Token, ToldToken

ROWS = (3.0, 4.0, 5.0)
"""The hidden states of a prompt's last step, and of two tokens."""
ASKED = AskedTokens(2, 5)
"""Of row 0 nothing is wanted; row 1 asks for token 5, row 2 for token 6."""
WANTED = (0, 5, 6)
HONEST = tuple(
    row_of(number)._replace(wants_token=wanted > 0, generated=wanted)
    for number, wanted in enumerate(WANTED)
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "transaction": st.sampled_from(["other", "u", ""]),
    "step": st.integers(0, (1 << 32) - 1),
    "position": st.integers(0, (1 << 32) - 1),
    "wants_token": st.booleans(),
    "generated": st.integers(0, (1 << 32) - 1),
    "ahead": st.integers(0, 1_024),
    "drafts": st.integers(0, 12),
}
"""Everything that a row says, and lies about it."""


def _run(altered: StepRow, at: int, steering: Steering | None) -> tuple[OneStage, list[ToldToken]]:
    stage = OneStage(last=True, asked=ASKED)
    stage.open("other", slot=1)
    for number, row in enumerate(HONEST):
        if steering is not None and WANTED[number]:
            stage.transaction.steering = (WANTED[number], steering)
        stage.frame(step_frame([altered if number == at else row], (), hidden([ROWS[number]])))
        if stage.broken or stage.transaction.transcript.next_step <= number:
            break
    told = [row for each in stage.sent.told if isinstance(each, Token) for row in each.rows]
    return stage, told


def _without_run(told: list[ToldToken]) -> list[ToldToken]:
    return [row._replace(goes_on=False) for row in told]


@st.composite
def lies(draw: st.DrawFn) -> tuple[StepRow, int]:
    at, field = draw(st.integers(0, 2)), draw(st.sampled_from(sorted(FIELDS)))
    return HONEST[at]._replace(**{field: draw(FIELDS[field])}), at


@given(lies(), st.sampled_from([None, Steering(repeated=(1, 2), repetition=2.0)]))
def test_whatever_a_header_says_the_last_stage_tells_and_signs_what_the_host_asked_for(
    lie: tuple[StepRow, int], steering: Steering | None
) -> None:
    altered, at = lie
    honest, right = _run(HONEST[at], at, steering)
    stage, told = _run(altered, at, steering)
    if len(told) == len(right):
        assert _without_run(told) == _without_run(right)
        assert stage.signed(3, 3) == honest.signed(3, 3)
        return
    assert _without_run(told) == _without_run(right)[:at]
    assert stage.transaction.transcript.next_step == at, "nothing is recorded, or signed for"
    codes = {each.code for each in stage.broken}
    assert codes <= {UnusableRowsError.code, StepMissingError.code}, "which blames nobody"


def _flips() -> Iterator[tuple[str, object, int]]:
    yield from (("wants_token", False, 1), ("wants_token", True, 0))
    yield from (("generated", number, at) for at in range(3) for number in (0, 1, 6, 7))


@pytest.mark.parametrize(("field", "value", "at"), list(_flips()))
def test_what_a_token_is_asked_for_by_is_the_host_s_word_alone(
    field: str, value: object, at: int
) -> None:
    _, right = _run(HONEST[at], at, None)
    changes: dict[str, Any] = {field: value}
    stage, told = _run(HONEST[at]._replace(**changes), at, None)
    assert told == right
    assert [row.generated for row in told] == list(WANTED)
    assert not stage.broken


def test_a_step_of_which_the_host_told_nothing_is_taken_at_its_word() -> None:
    stage = OneStage(last=True)
    stage.frame(step_frame([row_of(0)], (), hidden([3])))
    (told,) = stage.sent.told
    assert isinstance(told, Token)
    assert (told.rows[0].transaction, told.rows[0].generated) == (TRANSACTION, 1)


def test_how_far_the_ring_goes_on_counts_from_what_the_rows_say() -> None:
    stage, told = _run(HONEST[1]._replace(ahead=0), 1, None)
    assert [row.goes_on for row in told] == [False, False, AHEAD > 0]
    assert not any(isinstance(each, Broken) for each in stage.sent.told)
