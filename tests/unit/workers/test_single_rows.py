"""Several certain tokens in one message: each is a step of its own, as if it had come alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.simulation.model import HIDDEN_SIZE
from tests.unit.workers.one_stage import BEFORE, OneStage, hidden, row_of
from workers.errors import RequestRefusedError, UnusableRowsError
from workers.protocol.sampling_rule import AskedTokens
from workers.protocol.step_message import MAXIMUM_DRAFTS, StepRow, read_step, step_frame
from workers.protocol.told import Token
from workers.protocol.wire import Tensor

ROWS = (3.0, 4.0, 5.0, 6.0)


def _read_only(number: int, rows: int = 1) -> StepRow:
    row = row_of(number, drafts=rows - 1, ahead=0)
    return row._replace(wants_token=False, generated=0)


def _read(stage: OneStage, number: int, rows: Sequence[float]) -> None:
    stage.frame(step_frame([_read_only(number, len(rows))], (), hidden(rows)))


@pytest.mark.parametrize("last", [False, True])
def test_rows_sent_together_are_signed_for_as_if_each_had_come_alone(last: bool) -> None:  # noqa: FBT001
    together, alone = OneStage(last=last), OneStage(last=last)
    _read(together, 0, ROWS)
    for number, row in enumerate(ROWS):
        _read(alone, number, [row])
    assert not together.broken
    assert together.signed(4, 0) == alone.signed(4, 0)
    assert together.transaction.certain_steps == together.transaction.transcript.next_step == 4


def test_what_a_stage_sends_on_is_what_it_would_have_sent_one_by_one() -> None:
    together, alone = OneStage(), OneStage()
    _read(together, 0, ROWS)
    for number, row in enumerate(ROWS):
        _read(alone, number, [row])
    (sent,) = [read_step(memoryview(frame)) for frame in together.sent.frames]
    singles = [read_step(memoryview(frame)) for frame in alone.sent.frames]
    assert sent.rows == (_read_only(0, 4),)
    assert sent.inputs.shape == (1, 4, HIDDEN_SIZE)
    assert [sent.inputs[:, at].tobytes() for at in range(4)] == [
        each.inputs.tobytes() for each in singles
    ]


def test_the_last_stage_answers_for_each_row_and_goes_on_with_none() -> None:
    stage = OneStage(last=True)
    _read(stage, 0, ROWS)
    (told,) = stage.sent.told
    assert isinstance(told, Token)
    assert [(row.step, row.generated, row.token, row.goes_on) for row in told.rows] == [
        (number, 0, None, False) for number in range(4)
    ]
    assert not stage.sent.frames


def test_the_last_stage_reads_nothing_that_the_host_wants_a_token_of() -> None:
    stage = OneStage(last=True, asked=AskedTokens(3, 1))
    _read(stage, 0, ROWS)
    assert [broken.code for broken in stage.broken] == ["unusable-rows"]
    assert stage.transaction.transcript.next_step == 0
    _read(stage, 0, ROWS[:2])
    assert stage.transaction.transcript.next_step == 2


def test_one_row_that_cannot_be_computed_ends_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = OneStage()
    run = stage.engine.run

    def overflow(slot: int, position: int, inputs: Tensor) -> Tensor:
        return run(slot, position, inputs) * (float("inf") if position == 2 else 1.0)

    monkeypatch.setattr(stage.engine, "run", overflow)
    _read(stage, 0, ROWS)
    assert len(stage.broken) == 1
    assert not stage.sent.frames
    assert stage.transaction.transcript.next_step == 0
    assert stage.transaction.beginning(1) is None, "its slot holds rows that nobody answers for"


@pytest.mark.parametrize(
    "row",
    [
        _read_only(0, 4)._replace(generated=1),
        _read_only(0, 4)._replace(ahead=4),
        _read_only(0, 2 + MAXIMUM_DRAFTS),
    ],
)
def test_rows_are_no_more_than_may_be_and_number_no_token(row: StepRow) -> None:
    frame = step_frame([row], (), hidden([1.0] * (1 + row.drafts)))
    with pytest.raises(RequestRefusedError, match="odd_row"):
        read_step(memoryview(frame))


def test_nobody_but_the_host_has_the_first_stage_read_rows() -> None:
    stage = OneStage()
    transaction, row = stage.transaction, _read_only(0, 3)
    object.__setattr__(transaction, "stage", 0)
    transaction.ahead = 1
    with pytest.raises(UnusableRowsError, match="unasked"):
        transaction.check_asked_for(BEFORE, "host", row)
    transaction.check_asked_for("host", "host", row)
