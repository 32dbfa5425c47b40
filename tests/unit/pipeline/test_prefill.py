"""A prompt goes round in several chunks at a time: in order, in bounds, ended in any case."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.attempt import Attempt
from app.pipeline.failures import DisputedRowsError, StageFailedError, StepLostError
from app.pipeline.mailbox import Letter
from app.pipeline.prompts.prefill_window import FEWEST_CHUNKS, MOST_CHUNKS, PrefillWindow
from app.pipeline.step_outcomes import StepOutcomes
from tests.unit.pipeline.support import SilentPhone, broken_message, scripted_attempt, token_message
from workers.protocol.step_message import StepRow, TraceEntry

CHUNK = 4
PROMPT = tuple(range(1, 24))
"""Five chunks and a piece of one."""
STEPS = 6
CODE = "missing-step"


class FirstPhone(SilentPhone):
    """Keeps what it is sent, for the test to answer in the name of the last phone."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.rows: list[StepRow] = []
        self.tokens: list[int] = []

    async def send_step(self, rows: Sequence[StepRow], tokens: Any) -> None:  # type: ignore[override] # noqa: ANN401
        """Take the step."""
        self.rows += rows
        self.tokens += tokens[0].tolist()


class Bench:
    """An attempt that reads its prompt while the test decides what comes of each step."""

    def __init__(self) -> None:
        self.first = FirstPhone("A")
        phones = [self.first, SilentPhone("B"), SilentPhone("C")]
        self.attempt: Attempt = scripted_attempt(phones, chunk_tokens=CHUNK)
        self.answered = 0
        self.most_under_way = 0

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        self.most_under_way = max(self.most_under_way, len(self.first.rows) - self.answered)

    async def answer(self) -> None:
        row = self.first.rows[self.answered]
        wanted = row.wants_token
        told = token_message(
            step=row.step,
            generated=row.generated,
            token=7 if wanted else None,
            log_probability=-0.5 if wanted else None,
            trace=(
                TraceEntry(0, 900, 0, 800),
                TraceEntry(1, 1000, 0, 900),
                TraceEntry(2, 500, 0, 400),
            ),
        )
        self.answered += 1
        self.attempt.outcomes.mailbox.put(Letter(self.attempt.stages[-1].serial, told))
        await self.settle()

    def say(self, stage: int, code: str) -> None:
        message = broken_message("ABC"[stage], "step 3 came where step 2 was due", code)
        self.attempt.outcomes.mailbox.put(Letter(self.attempt.stages[stage].serial, message))


async def test_chunks_follow_each_other_without_waiting_and_in_order() -> None:
    bench = Bench()
    reading = asyncio.create_task(bench.attempt.prefill(PROMPT, 1))
    await bench.settle()
    assert len(bench.first.rows) == len(bench.attempt.stages) + 1
    for _ in range(STEPS):
        await bench.answer()
    assert (await reading).token == 7
    assert tuple(bench.first.tokens) == PROMPT
    assert [row.step for row in bench.first.rows] == list(range(STEPS))
    assert [row.position for row in bench.first.rows] == list(range(0, len(PROMPT), CHUNK))
    assert [row.wants_token for row in bench.first.rows] == [False] * (STEPS - 1) + [True]
    assert bench.attempt.completed_steps == STEPS
    assert bench.most_under_way <= MOST_CHUNKS


async def test_who_stops_reading_waits_for_what_is_under_way_and_sends_no_more() -> None:
    bench = Bench()
    reading = asyncio.create_task(bench.attempt.prefill(PROMPT, 1))
    await bench.settle()
    sent = len(bench.first.rows)
    reading.cancel()
    draining = asyncio.create_task(bench.attempt.drain())
    for _ in range(sent):
        assert not draining.done()
        await bench.answer()
    await draining
    assert (len(bench.first.rows), bench.attempt.completed_steps) == (sent, sent)


async def test_a_phone_that_fails_among_chunks_ends_the_wait_for_all_of_them() -> None:
    bench = Bench()
    reading = asyncio.create_task(bench.attempt.prefill(PROMPT, 1))
    await bench.settle()
    await bench.answer()
    bench.say(1, "")
    with pytest.raises(StageFailedError):
        await reading
    assert bench.attempt.outcomes.under_way == 0
    await asyncio.wait_for(bench.attempt.drain(), 10)
    assert bench.attempt.completed_steps == 1


async def test_a_gap_among_chunks_is_a_lost_step_and_nobodys_lie() -> None:
    bench = Bench()
    reading = asyncio.create_task(bench.attempt.prefill(PROMPT, 1))
    await bench.settle()
    bench.say(2, CODE)
    with pytest.raises(StepLostError):
        await reading


async def test_a_gap_where_no_other_step_was_sent_is_a_lie_of_one_of_two() -> None:
    bench = Bench()
    reading = asyncio.create_task(bench.attempt.prefill(PROMPT[:CHUNK], 1))
    await bench.settle()
    bench.say(2, CODE)
    with pytest.raises(DisputedRowsError):
        await reading


_DURATION = st.floats(0.0, 10.0)


@given(
    st.integers(1, 64),
    st.lists(
        st.tuples(
            _DURATION,
            st.none() | _DURATION,
            st.lists(st.builds(TraceEntry, *[st.integers(0, (1 << 32) - 1)] * 4), max_size=4),
        ),
        max_size=8,
    ),
)
def test_whatever_phones_claim_the_window_keeps_its_bounds(stages: int, told: list[Any]) -> None:
    window = PrefillWindow(stages)
    assert window.chunks <= MOST_CHUNKS
    for step_s, since_last_s, trace in told:
        window.learn(step_s, since_last_s, trace)
        assert FEWEST_CHUNKS <= window.chunks <= MOST_CHUNKS


def test_a_window_holds_what_keeps_the_slowest_stage_at_work() -> None:
    window = PrefillWindow(3)
    computing = (
        TraceEntry(0, 10_000, 0, 0),
        TraceEntry(1, 20_000, 0, 0),
        TraceEntry(2, 10_000, 0, 0),
    )
    window.learn(0.1, None, computing)
    assert window.chunks == 6
    waited = (
        TraceEntry(0, 10_000, 0, 0),
        TraceEntry(1, 20_000, 40_000, 0),
        TraceEntry(2, 10_000, 0, 0),
    )
    window.learn(0.14, 0.02, waited)
    assert window.chunks == 6


def test_where_each_chunk_is_waited_for_one_is_under_way() -> None:
    window = PrefillWindow(3, most=1)
    assert window.chunks == 1
    window.learn(0.1, None, (TraceEntry(0, 10_000, 0, 0),))
    assert window.chunks == 1


def test_a_window_is_no_wider_than_a_slow_way_lets_through() -> None:
    window = PrefillWindow(2)
    quick = (TraceEntry(0, 1_000, 0, 0), TraceEntry(1, 1_000, 0, 0))
    window.learn(0.2, None, quick)
    assert window.chunks == MOST_CHUNKS
    window.learn(0.3, 0.1, quick)
    assert window.chunks == 3


def test_what_is_queued_lengthens_the_longest_wait() -> None:
    bench = Bench()
    outcomes: StepOutcomes = bench.attempt.outcomes
    pace = outcomes._pace
    pace.step_took(1, 100.0, [(0, 5.0), (1, 5.0), (2, 5.0)])
    alone = pace.limits(CHUNK)
    pace.begin(bench.attempt.transaction, CHUNK, 1000 * CHUNK)
    assert pace.limits(CHUNK).stages_s == alone.stages_s
    assert pace.limits(CHUNK).total_s > alone.total_s
