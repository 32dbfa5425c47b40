"""A phone answers for what its own socket brings, and for nothing else."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.pipeline.attempt import Attempt
from app.pipeline.failures import DisputedRowsError, OffenceError, StageFailedError
from app.pipeline.mailbox import MOST_UNREAD, Letter, Mailbox
from app.pipeline.ring_messages import by_transaction
from app.testing.clocks import ManualClock
from tests.saying import raises_saying, raises_telling
from tests.unit.pipeline.support import (
    VOCABULARY,
    SilentPhone,
    broken_message,
    say,
    scripted_attempt,
    token_message,
)
from workers.errors import WireError
from workers.protocol.boundary import Boundary
from workers.protocol.bounds import FieldError
from workers.protocol.codec import raw_frames, read_told
from workers.protocol.sampling_rule import Choice
from workers.protocol.step_message import TraceEntry
from workers.protocol.told import Token, ToldToken
from workers.protocol.wire import Kind

FIRST, MIDDLE, LAST = range(3)
NAMES = ["A", "B", "C"]
PROMPT = (1, 2, 3)
WRONG_ANSWERS: dict[str, dict[str, Any]] = {
    "a token beyond the vocabulary": {"token": VOCABULARY},
    "no token": {"token": None},
    "no log-probability": {"log_probability": None},
    "alternatives nobody asked for": {
        "alternatives": tuple(Choice(each, -0.5) for each in range(9))
    },
    "an alternative told twice": {"alternatives": (Choice(1, -0.5),) * 2},
    "alternatives out of order": {"alternatives": (Choice(1, -2.5), Choice(2, -1.5))},
    "two probabilities of one token": {"alternatives": (Choice(7, -0.25),)},
    "an alternative beyond the vocabulary": {"alternatives": (Choice(VOCABULARY, -0.5),)},
    "another step": {"step": 1},
    "another generated token": {"generated": 2},
    "going on without being asked": {"goes_on": True},
}
"""Of a form that is on the wire; others are no message."""
UNREADABLE_ROWS: dict[str, dict[str, object]] = {
    "a token beyond 31 bits": {"token": (1 << 31) - 1},
    "a negative token": {"token": -1},
    "a token that is true": {"token": True},
    "a token that is a text": {"token": "7"},
    "not a number for a log-probability": {"log_probability": math.nan},
    "minus infinity for a log-probability": {"log_probability": -math.inf},
    "a probability above 1": {"log_probability": 0.1},
    "an alternative that is not a number": {"alternatives": [[1, math.nan]]},
    "an alternative without a figure": {"alternatives": [[1]]},
    "an alternative that is no pair": {"alternatives": ["xy"]},
    "alternatives that are no list": {"alternatives": 3},
    "more alternatives than anybody may ask for": {"alternatives": [[1, -0.5]] * 21},
    "a step that is a list": {"step": [0]},
    "going on that is no truth value": {"goes_on": 1},
    "a transaction that is none": {"transaction": ""},
}


def an_attempt(**terms: Any) -> Attempt:  # noqa: ANN401 - whatever the terms of an attempt are
    return scripted_attempt([SilentPhone(name) for name in NAMES], **terms)


async def offender(attempt: Attempt) -> Serial:
    """Return who is blamed while the attempt reads its prompt and decodes a token."""
    with pytest.raises(OffenceError) as raised:
        await attempt.decode((await attempt.prefill(PROMPT, 1)).token, 2)
    assert attempt.offences.keys() == {raised.value.serial}
    return raised.value.serial


async def test_an_honest_answer_is_taken() -> None:
    attempt = an_attempt(alternatives=2)
    trace = (TraceEntry(0, 1500, 0, 1000), TraceEntry(2, 500, 0, 400), TraceEntry(9, 1, 1, 1))
    choices = (Choice(7, -0.5), Choice(3, -1.5))
    say(attempt, LAST, token_message(trace=trace, alternatives=choices))
    result = await attempt.prefill(PROMPT, 1)
    assert (result.token, result.log_probability) == (7, -0.5)
    assert [choice.token for choice in result.alternatives] == [7, 3]
    assert [(each.serial, each.compute_ms) for each in result.timings] == [("A", 1.5), ("C", 0.5)]
    assert (attempt.completed_steps, attempt.offences) == (1, {})


@pytest.mark.parametrize("stage", [FIRST, MIDDLE])
async def test_only_the_last_phone_may_tell_a_token(stage: int) -> None:
    attempt = an_attempt()
    say(attempt, stage, token_message())
    assert await offender(attempt) == NAMES[stage]
    assert attempt.answers == []


@pytest.mark.parametrize("changes", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
async def test_a_wrong_field_is_the_last_phones_offence(changes: dict[str, Any]) -> None:
    attempt = an_attempt(alternatives=2)
    say(attempt, LAST, token_message(**changes))
    assert await offender(attempt) == "C"


@pytest.mark.parametrize("changes", UNREADABLE_ROWS.values(), ids=UNREADABLE_ROWS)
def test_a_row_of_no_form_is_never_read_and_its_field_named(changes: dict[str, object]) -> None:
    row = {**token_message().row._asdict(), **changes}
    frames = raw_frames(
        Kind.TOKEN, {"rows": [[*row.values()]], "trace": [], "drafts": 0, "proposed": []}
    )
    with raises_telling(FieldError, match=rf"field rows\[0\]\.{next(iter(changes))}"):
        read_told(frames)


@given(
    st.dictionaries(
        st.sampled_from(ToldToken._fields),
        st.none()
        | st.booleans()
        | st.integers(-1, 1 << 33)
        | st.floats()
        | st.text()
        | st.lists(st.floats()),
        min_size=1,
    )
)
async def test_whatever_the_last_phone_says_is_no_message_an_answer_or_its_offence(
    changes: dict[str, object],
) -> None:
    row = {**token_message().row._asdict(), **changes}
    try:
        told = read_told(
            raw_frames(
                Kind.TOKEN, {"rows": [[*row.values()]], "trace": [], "drafts": 0, "proposed": []}
            )
        )
    except WireError:
        return
    assert isinstance(told, Token)
    attempt = an_attempt()
    ((_, answer),) = by_transaction(told)
    say(attempt, LAST, answer)
    with suppress(OffenceError):
        result = await attempt.prefill(PROMPT, 1)
        assert 0 <= result.token < VOCABULARY
        assert -math.inf < result.log_probability <= 0
    assert attempt.offences.keys() <= {"C"}


async def test_a_vector_of_numbers_that_are_not_finite_is_an_offence() -> None:
    for vector in (np.full((1, 4), np.nan, np.float32), np.zeros((1, 5), np.float32)):
        attempt = an_attempt()
        say(attempt, LAST, token_message(vector, token=None))
        with raises_saying(OffenceError, match="C answered wrongly"):
            await attempt.answer(PROMPT, 4, whole=True)


@pytest.mark.parametrize("named", ["A", "C", "nobody"])
async def test_a_phone_breaks_off_for_nobody_but_itself(named: str) -> None:
    attempt = an_attempt()
    say(attempt, MIDDLE, broken_message(named))
    assert await offender(attempt) == "B"


async def test_a_phone_that_cannot_go_on_says_so_in_letters_that_no_screen_obeys() -> None:
    attempt = an_attempt()
    say(attempt, MIDDLE, broken_message("B", "\x1b[2Jis \nout of memory"))
    with raises_saying(StageFailedError, match=r"^B cannot go on: \[2Jis out of memory$") as raised:
        await attempt.prefill(PROMPT, 1)
    assert (type(raised.value), attempt.offences) == (StageFailedError, {})


async def test_unusable_rows_speak_against_two_phones_and_convict_neither() -> None:
    attempt = an_attempt()
    say(attempt, LAST, broken_message("C", "step 9 came", "unusable-rows"))
    with pytest.raises(DisputedRowsError) as raised:
        await attempt.prefill(PROMPT, 1)
    assert (raised.value.sender, raised.value.receiver, attempt.offences) == ("B", "C", {})


async def test_what_the_host_sent_itself_is_usable() -> None:
    attempt = an_attempt()
    say(attempt, FIRST, broken_message("A", "step 9 came", "unusable-rows"))
    with raises_saying(StageFailedError, match="A cannot go on"):
        await attempt.prefill(PROMPT, 1)


@pytest.mark.parametrize(
    ("boundary", "code", "error"),
    [
        (Boundary.F16, "boundary-overflow", ShardloomError),
        (Boundary.F32, "boundary-overflow", StageFailedError),
        (Boundary.F32, "not-finite", ShardloomError),
    ],
)
async def test_numbers_without_bounds_end_a_request(
    boundary: Boundary, code: str, error: type[ShardloomError]
) -> None:
    attempt = an_attempt(boundary=boundary)
    say(attempt, MIDDLE, broken_message("B", "too large", code))
    with pytest.raises(ShardloomError) as raised:
        await attempt.prefill(PROMPT, 1)
    assert type(raised.value) is error


async def test_what_a_socket_brought_that_nobody_can_read_is_its_phones_offence() -> None:
    attempt = an_attempt()
    attempt.stages[MIDDLE].client.offence = Fact("offence.says_too_much")
    say(attempt, LAST, token_message())
    assert await offender(attempt) == "B"
    assert attempt.stages[MIDDLE].client.offence is None


async def test_a_mailbox_takes_only_so_much_from_one_phone_and_from_others_all_the_same() -> None:
    mailbox, message = Mailbox(ManualClock()), token_message()
    loud, quiet = Letter(Serial("A"), message), Letter(Serial("B"), message)
    assert all(mailbox.put(loud) for _ in range(MOST_UNREAD))
    assert not mailbox.put(loud)
    assert mailbox.put(quiet)
    assert await mailbox.next(0) == loud
    assert mailbox.put(loud)
