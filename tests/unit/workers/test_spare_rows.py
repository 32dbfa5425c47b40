"""With several requests under way drafts take only time in which every stage waits anyway."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workers.one_stage import BEFORE, OneStage, hidden, row_of
from workers.protocol.step_message import TraceEntry, step_frame
from workers.ring.last_stage import spare_rows
from workers.ring.lookup import PromptLookup

TIMES = st.integers(0, 1_000_000)


class _Asked(PromptLookup):
    """Keeps how many drafts each round might carry, and makes none."""

    def __init__(self) -> None:
        super().__init__(())
        self.most: list[int] = []

    def begin_round(self, most: int, now_ns: int | None) -> tuple[int, ...]:
        self.most.append(most)
        return super().begin_round(0, now_ns)


@given(st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=6), st.integers(1, 13))
def test_more_rows_fit_half_of_what_the_busiest_stage_waited(
    stages: list[tuple[int, int]], rows: int
) -> None:
    trace = [TraceEntry(at, compute, idle_us=idle) for at, (compute, idle) in enumerate(stages)]
    more = spare_rows(trace, rows)
    for compute_us, idle_us in stages:
        assert more * max(compute_us, 1) <= rows * idle_us / 2


def test_a_step_that_was_waited_for_leaves_no_time() -> None:
    assert spare_rows([TraceEntry(0, 500, idle_us=90_000), TraceEntry(1, 500, idle_us=0)], 1) == 0
    assert spare_rows([], 1) == 0


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("idle_us", [0, 40_000])
def test_a_request_among_others_drafts_while_its_stages_wait(others: int, idle_us: int) -> None:
    stage = OneStage(last=True)
    stage.transaction.lookup = lookup = _Asked()
    if others:
        stage.open("other", slot=1)
    trace = [TraceEntry(0, 1_000, idle_us=idle_us)]
    frame = step_frame([row_of(0)], trace, hidden([3]))
    stage.steps.run(memoryview(frame), BEFORE, 0, idle_us * 1000)
    assert not stage.broken
    assert [most > 0 for most in lookup.most] == [not others or idle_us > 0]
