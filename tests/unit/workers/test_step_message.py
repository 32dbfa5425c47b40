from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.saying import raises_telling
from workers.errors import RequestRefusedError
from workers.protocol.codec import encode, read_told
from workers.protocol.step_message import (
    MAXIMUM_AHEAD,
    MAXIMUM_IDENTIFIER,
    StepRow,
    TraceEntry,
    frame_bytes,
    is_step,
    named_transactions,
    passed_on,
    read_step,
    step_frame,
)
from workers.protocol.told import Token, ToldToken
from workers.protocol.wire import DTYPES, Tensor

NUMBERS = st.integers(0, (1 << 32) - 1)
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=MAXIMUM_IDENTIFIER)
ROWS = st.builds(
    StepRow,
    NAMES,
    NUMBERS,
    NUMBERS,
    st.booleans(),
    NUMBERS,
    st.integers(0, MAXIMUM_AHEAD),
    st.just(0),
)
ENTRIES = st.builds(TraceEntry, *(NUMBERS,) * 6, st.integers(0, (1 << 63) - 1))
TRACES = st.lists(ENTRIES, max_size=4)
ONE = StepRow("one", 3, 20, wants_token=True, generated=4, ahead=2)


@st.composite
def steps(draw: st.DrawFn) -> tuple[list[StepRow], Tensor]:
    rows = draw(st.lists(ROWS, min_size=1, max_size=4))
    shape = draw(arrays.array_shapes(min_dims=1, max_dims=2, max_side=4))
    dtype = draw(st.sampled_from(list(DTYPES.values())))
    return rows, draw(arrays.arrays(dtype, (len(rows), *shape)))


def one(tensor: Tensor) -> bytes:
    return step_frame([ONE], [TraceEntry(0, 1, 2, 3)], tensor)


@given(steps(), TRACES)
def test_what_is_sent_is_read(step: tuple[list[StepRow], Tensor], trace: list[TraceEntry]) -> None:
    rows, tensor = step
    frame = memoryview(step_frame(rows, trace, tensor))
    read = read_step(frame)
    assert is_step(frame)
    assert len(frame) == frame_bytes(len(rows), len(trace), tensor.nbytes)
    assert (list(read.rows), list(read.trace)) == (rows, trace)
    assert (read.inputs.shape, read.inputs.dtype) == (tensor.shape, tensor.dtype)
    assert read.inputs.tobytes() == tensor.tobytes()
    assert named_transactions(frame) == [row.transaction for row in rows]


@given(steps(), TRACES, ENTRIES)
def test_what_is_passed_on_has_the_same_rows_and_one_more_stage(
    step: tuple[list[StepRow], Tensor],
    trace: list[TraceEntry],
    entry: TraceEntry,
) -> None:
    rows, tensor = step
    came = read_step(memoryview(step_frame(rows, trace, np.zeros((len(rows), 1), np.int64))))
    assert passed_on(came, entry, tensor) == step_frame(rows, [*trace, entry], tensor)


@given(TRACES)
def test_whatever_trace_a_step_may_carry_the_host_can_be_told(trace: list[TraceEntry]) -> None:
    frame = memoryview(step_frame([ONE], trace, np.zeros((1, 1), np.int64)))
    row = ToldToken("one", 3, 4, 7, -1.0, (), goes_on=False)
    token = Token((row,), read_step(frame).trace)
    assert read_told(encode(token)) == token


@given(st.binary(max_size=256))
def test_arbitrary_bytes_are_refused_or_read_and_never_crash(content: bytes) -> None:
    frame = memoryview(content)
    names = named_transactions(frame)
    try:
        read = read_step(frame)
    except RequestRefusedError:
        return
    assert names == [row.transaction for row in read.rows]


@given(st.data())
def test_a_frame_with_one_byte_changed_is_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(one(np.zeros((1, 2), np.float32)))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    try:
        read = read_step(memoryview(bytes(content)))
    except RequestRefusedError:
        return
    assert len(read.rows) == 1


@given(st.integers(0, len(one(np.zeros((1, 2), np.float32))) - 1))
def test_a_frame_that_ends_early_is_refused(size: int) -> None:
    with pytest.raises(RequestRefusedError):
        read_step(memoryview(one(np.zeros((1, 2), np.float32))[:size]))


def test_a_frame_of_which_the_rows_came_still_names_its_transactions() -> None:
    frame = memoryview(one(np.zeros((1, 2), np.float32)))
    assert named_transactions(frame[:-1]) == ["one"]
    assert named_transactions(frame[:20]) == []


def test_a_step_without_numbers_is_refused() -> None:
    with raises_telling(RequestRefusedError, match="short"):
        read_step(memoryview(one(np.zeros((1, 0), np.float32))))


@pytest.mark.parametrize(
    ("rows", "tokens"),
    [
        ([ONE._replace(drafts=2)], 2),
        ([ONE._replace(drafts=3, ahead=2)], 4),
        ([ONE._replace(drafts=1, wants_token=False)], 2),
        ([ONE._replace(drafts=1), ONE], 2),
    ],
)
def test_drafts_that_cannot_be_are_refused(rows: list[StepRow], tokens: int) -> None:
    frame = step_frame(rows, (), np.zeros((len(rows), tokens), np.int64))
    with pytest.raises(RequestRefusedError):
        read_step(memoryview(frame))


def test_a_draft_is_a_step_of_its_own() -> None:
    frame = step_frame([ONE._replace(drafts=2)], (), np.zeros((1, 3), np.int64))
    (row,) = read_step(memoryview(frame)).rows
    assert row.drafts == 2
    assert row.draft(2) == StepRow("one", 5, 22, wants_token=True, generated=6, ahead=0)


def test_received_tensors_cannot_be_written_to() -> None:
    read = read_step(memoryview(one(np.zeros((1, 2), np.float32))))
    with pytest.raises(ValueError, match="read-only"):
        read.inputs[0, 0] = 1


def test_the_next_row_goes_on_where_this_one_ended() -> None:
    assert ONE.following(1) == StepRow("one", 4, 21, wants_token=True, generated=5, ahead=1)
